package report

import (
	"fmt"
	"io"
	"strings"
)

// Markdown writes a table of the points of each file, and what is doubtful
// about them below it.
func Markdown(w io.Writer, files []Named) error {
	var b strings.Builder
	names := labels(files)
	for i, f := range files {
		if i > 0 {
			b.WriteString("\n")
		}
		m := f.Results.Metadata
		fmt.Fprintf(&b, "## %s\n\n%s\n\n", markdownText(names[i]), markdownText(headline(m)))
		markdownTable(&b, f)
		for _, text := range warnings(f.Results) {
			fmt.Fprintf(&b, "\n- %s", markdownText(text))
		}
		if len(warnings(f.Results)) > 0 {
			b.WriteString("\n")
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the Markdown table: %w", err)
	}
	return nil
}

func markdownTable(b *strings.Builder, f Named) {
	a := axisOf([]Named{f})
	head, rule := "| "+a.Title+" |", "|---:|"
	for _, c := range pointColumns {
		if c.short {
			head += " " + strings.TrimSpace(c.head+" "+c.unit) + " |"
			rule += "---:|"
		}
	}
	b.WriteString(head + "\n" + rule + "\n")
	for i := range f.Results.Results {
		p := &f.Results.Results[i]
		b.WriteString("| " + markdownText(a.at(p)) + " |")
		for _, c := range pointColumns {
			if c.short {
				b.WriteString(" " + markdownText(c.of(p).rounded()) + " |")
			}
		}
		b.WriteString("\n")
	}
}

// markdownText keeps other people's words from becoming markup.
func markdownText(text string) string {
	return markdownEscapes.Replace(text)
}

var markdownEscapes = strings.NewReplacer(
	"\n", " ", "\r", " ", "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "#", `\#`,
	"<", "&lt;", ">", "&gt;", "&", "&amp;", `\`, `\\`,
)
