package report

import (
	"encoding/csv"
	"flag"
	"os"
	"strings"
	"testing"

	"tokenomics/internal/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

func some(v float64) record.Opt[float64] { return record.Some(v) }

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s (-update writes it anew):\n%s", path, got)
	}
}

func TestCSVGolden(t *testing.T) {
	var out strings.Builder
	if err := CSV(&out, fixture()); err != nil {
		t.Fatal(err)
	}
	golden(t, "table.csv", out.String())
}

func TestMarkdownGolden(t *testing.T) {
	var out strings.Builder
	if err := Markdown(&out, fixture()); err != nil {
		t.Fatal(err)
	}
	golden(t, "table.md", out.String())
}

// TestTablesOfHostileWords: words from a server are neither formulas nor markup.
func TestTablesOfHostileWords(t *testing.T) {
	f := fixture()[0]
	f.Results.Metadata.Model = "=HYPERLINK(1)"
	f.Results.Metadata.Description = "a | b <script>\n# c"
	f.Results.Warnings = []string{"[click](javascript:x)"}
	var table, text strings.Builder
	if err := CSV(&table, []Named{f}); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(table.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if lines[1][1] != "'=HYPERLINK(1)" {
		t.Errorf("the model's name is %q", lines[1][1])
	}
	if err := Markdown(&text, []Named{f}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`## a \| b &lt;script&gt; \# c`, `- \[click\](javascript:x)`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

func TestTablesSayWhenTheyCouldNotBeWritten(t *testing.T) {
	if CSV(brokenWriter{}, fixture()) == nil || Markdown(brokenWriter{}, fixture()) == nil {
		t.Error("no error")
	}
}
