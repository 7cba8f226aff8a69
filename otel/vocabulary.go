package otel

import (
	"strings"
	"unicode/utf8"
)

// Names says which values of a label that comes from outside are shown. All
// others are counted under "other".
type Names struct {
	Only []string // just these; nil: the first Max that come
	Max  int      // 0 is 200; means nothing where Only is given
}

const defaultNames = 200

// vocabulary is the names that are shown. First come, first served rather than
// most used, because a label that changed its meaning over time would make
// counters fall.
type vocabulary struct {
	max   int
	names map[string]string // as it came, clipped -> as it is shown
}

func newVocabulary(n Names) vocabulary {
	if n.Only == nil {
		return vocabulary{max: n.Max, names: make(map[string]string)}
	}
	v := vocabulary{max: len(n.Only), names: make(map[string]string)}
	for _, name := range n.Only {
		v.admit(name)
	}
	v.max = len(v.names)
	return v
}

// find is the shown name, and whether the answer is final. It is not where
// the name is new and there is room: admit it then.
func (v *vocabulary) find(name string) (shown string, final bool) {
	if name == "" {
		return "", true
	}
	if shown, ok := v.names[name[:min(len(name), maxText)]]; ok {
		return shown, true
	}
	return other, len(v.names) >= v.max
}

// admit gives a new name its place. The copies keep the vocabulary from
// holding on to the request that the name was a part of.
func (v *vocabulary) admit(name string) {
	if _, final := v.find(name); !final {
		v.names[strings.Clone(name[:min(len(name), maxText)])] = strings.Clone(clean(name))
	}
}

// maxText bounds a text from outside. Names are far shorter; longer ones are
// an attack or a mistake, and are told apart by their beginnings alone.
const maxText = 256

// clean makes a text from outside fit for export: one string that is not
// valid UTF-8 makes protobuf refuse the whole batch that it is in.
func clean(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
		for i := 1; i < utf8.UTFMax && i <= len(s); i++ { // not in the middle of a rune
			if utf8.RuneStart(s[len(s)-i]) {
				if !utf8.FullRuneInString(s[len(s)-i:]) {
					s = s[:len(s)-i]
				}
				break
			}
		}
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
