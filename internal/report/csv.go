package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
)

// CSV writes one line per point of every file under one line of heads. A
// figure that is not known is an empty field.
func CSV(w io.Writer, files []Named) error {
	out := csv.NewWriter(w)
	head := []string{"file", "model", "engine", "point", "load", "load_kind"}
	for _, c := range pointColumns {
		head = append(head, c.key)
	}
	lines := [][]string{head}
	for _, f := range files {
		m := f.Results.Metadata
		for i := range f.Results.Results {
			p := &f.Results.Results[i]
			l := loadOf(p)
			line := []string{inert(f.Name), inert(m.Model), inert(m.Engine), inert(p.Name), inert(l.label), l.title}
			for _, c := range pointColumns {
				line = append(line, inert(c.of(p).exact()))
			}
			lines = append(lines, line)
		}
	}
	if err := out.WriteAll(lines); err != nil {
		return fmt.Errorf("writing the CSV table: %w", err)
	}
	return nil
}

// inert keeps a spreadsheet from running a text that came from a server as a
// formula. No figure begins so: none is negative.
func inert(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
