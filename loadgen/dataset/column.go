package dataset

import (
	"fmt"
	"slices"
	"strings"
)

// columns names the parts of a row that are read.
type columns struct {
	prompt string // "" means a guess
	image  string // "" means that there are no images
}

// columnAt is where columns were found; image is -1 where none is read.
type columnAt struct{ prompt, image int }

// find looks the columns up in have.
func (c columns) find(have []string) (columnAt, error) {
	at := columnAt{image: -1}
	var err error
	if at.prompt, err = chooseColumn(have, c.prompt); err != nil || c.image == "" {
		return at, err
	}
	at.image, err = chooseColumn(have, c.image)
	return at, err
}

// promptColumns are the names a prompt's column goes by in datasets in the
// wild, in the order in which they are tried, without regard to case.
func promptColumns() []string { return slices.Concat(singleColumns, talkColumns) }

var (
	singleColumns = []string{"prompt", "question", "problem", "instruction", "text", "input", "query", "content"}
	talkColumns   = []string{"conversations", "messages", "turns"}
)

// otherColumn is where a row has its prompt that has none in column at, in a
// file that mixes prompts and conversations.
func otherColumn(have []string, at string) (i int, ok bool) {
	names := talkColumns
	if indexFold(talkColumns, at) >= 0 {
		names = singleColumns
	}
	for _, name := range names {
		if i := indexFold(have, name); i >= 0 {
			return i, true
		}
	}
	return 0, false
}

// chooseColumn returns the index in have of the prompt's column: the one named
// want (its exact spelling before any other), or a guess where want is "".
func chooseColumn(have []string, want string) (int, error) {
	if want == "" {
		for _, name := range promptColumns() {
			if i := indexFold(have, name); i >= 0 {
				return i, nil
			}
		}
		return 0, configErrorf("none of its columns looks like the prompt: name one with --prompt-column; it has %s", listed(have))
	}
	for i, name := range have {
		if name == want {
			return i, nil
		}
	}
	if i := indexFold(have, want); i >= 0 {
		return i, nil
	}
	return 0, configErrorf("no column %q: it has %s", want, listed(have))
}

func indexFold(have []string, want string) int {
	for i, name := range have {
		if strings.EqualFold(strings.TrimSpace(name), want) {
			return i
		}
	}
	return -1
}

// listed quotes names for an error message, no more than a line can hold.
func listed(names []string) string {
	const most = 20
	if len(names) == 0 {
		return "no columns"
	}
	var b strings.Builder
	for i, name := range names {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(names)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", name)
	}
	return b.String()
}
