package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot"

	"tokenomics/internal/results"
)

func drawn(t *testing.T, format string, panels int, files ...Named) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Chart(&out, format, files, bounded(t, "ttft_p99=500ms"), panels); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestChartPNG(t *testing.T) {
	for panels, height := range map[int]int{2: 470, 6: 1257} {
		img, err := png.Decode(bytes.NewReader(drawn(t, PNG, panels, fixture()...)))
		if err != nil {
			t.Fatal(err)
		}
		if b := img.Bounds(); b.Dx() != 1440 || b.Dy() < height-2 || b.Dy() > height+2 {
			t.Errorf("%d panels are %v, want 1440 by %d", panels, b, height)
		}
		hues := make(map[[3]uint32]int)
		for y := range img.Bounds().Dy() {
			for x := range img.Bounds().Dx() {
				r, g, b, _ := img.At(x, y).RGBA()
				hues[[3]uint32{r >> 8, g >> 8, b >> 8}]++
			}
		}
		for name, of := range map[string][3]uint32{"first file": {0x1f, 0x6f, 0xeb}, "second file": {0xd4, 0x65, 0x0b}, "doubt": {0xb3, 0x26, 0x1e}} {
			if hues[of] < 20 {
				t.Errorf("%d panels: %d pixels in the colour of the %s", panels, hues[of], name)
			}
		}
	}
}

// texts are the words of an SVG, which is read as XML.
func texts(t *testing.T, svg []byte) string {
	t.Helper()
	var words []string
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return strings.Join(words, "\n")
		}
		if err != nil {
			t.Fatal(err)
		}
		switch v := token.(type) {
		case xml.CharData:
			words = append(words, string(v))
		case xml.StartElement:
			if v.Name.Local == "script" || v.Name.Local == "img" {
				t.Errorf("an element %s", v.Name.Local)
			}
		}
	}
}

func TestChartSVG(t *testing.T) {
	words := texts(t, drawn(t, SVG, 6, fixture()...))
	for _, want := range []string{"org/model-8b-instruct", "fast engine, BF16", "concurrency 64, slow engine, FP8", "ttft_p99=500ms", "Steady state", "Tokens over time"} {
		if !strings.Contains(words, want) {
			t.Errorf("no %q among\n%s", want, words)
		}
	}
}

func TestChartOfHostileWords(t *testing.T) {
	files := fixture()
	const hostile = `</text><script>alert(1)</script><img src=x>`
	files[0].Results.Metadata.Model, files[0].Results.Metadata.Description = hostile, hostile
	if words := texts(t, drawn(t, SVG, 2, files...)); !strings.Contains(words, hostile) {
		t.Errorf("the words became\n%s", words)
	}
}

// TestChartOfLittle: a panel without data says so.
func TestChartOfLittle(t *testing.T) {
	words := texts(t, drawn(t, SVG, 6, Named{"r", &results.Results{Results: results.Points{{Name: "1"}}}}))
	if n := strings.Count(words, ": not known"); n != 6 {
		t.Errorf("%d panels say that they have nothing, want 6:\n%s", n, words)
	}
}

func TestChartSaysWhenItCouldNotBeWritten(t *testing.T) {
	if Chart(brokenWriter{}, PNG, fixture(), nil, 2) == nil {
		t.Error("no error")
	}
}

func TestApart(t *testing.T) {
	short, long := strings.Split("1 2 4 8 16 32 40 42 44 48 64", " "), make([]string, 11)
	for i, n := range short {
		long[i] = "concurrency " + n
	}
	for _, tt := range []struct {
		what        string
		names, want []string
	}{
		{"none", nil, []string{}},
		{"numbers have room", short, short},
		{"as few long names have", long[:3], long[:3]},
		{"of many long ones some have", long, []string{long[0], "", long[2], "", long[4], "", "", long[7], "", "", long[10]}},
	} {
		if got := apart(tt.names); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.what, got, tt.want)
		}
	}
}

func TestReadableTicks(t *testing.T) {
	for high, want := range map[float64]string{
		1: "0 0.2 0.4 0.6 0.8 1", 3172: "0 500 1000 1500 2000 2500 3000", 0.0123: "0 0.002 0.004 0.006 0.008 0.01 0.012", 9: "0 2 4 6 8",
	} {
		var got []string
		for _, tick := range plot.TickerFunc(readable).Ticks(0, high) {
			got = append(got, tick.Label)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("ticks up to %v: %s, want %s", high, strings.Join(got, " "), want)
		}
	}
}
