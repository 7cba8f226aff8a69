package dataset

import (
	_ "embed"
	"strings"
)

// sonnets are some of Shakespeare's, which belong to everybody: each its
// number in the edition of 1609 and its fourteen lines, a blank line between.
//
//go:embed sonnet/sonnets.txt
var sonnets string

// openSonnet returns the poems, a prompt each, named by their number. They are
// the plain English that lengths are cut from, and all much alike in size.
func openSonnet(cfg Config) (*Dataset, error) {
	var prompts []Prompt
	for i, poem := range strings.Split(strings.TrimSpace(sonnets), "\n\n") {
		number, text, _ := strings.Cut(poem, "\n")
		prompts = append(prompts, Prompt{Text: text, ID: "sonnet-" + number, Domain: "poetry", Row: i + 1})
	}
	return New(SonnetKey, "Shakespeare's sonnets, embedded in the binary", first(prompts, cfg.MaxPrompts))
}
