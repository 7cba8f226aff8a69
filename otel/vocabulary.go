package otel

import (
	"strings"
	"unicode/utf8"
)

// vocabulary bounds the values of a label that comes from outside: the first
// max names win, every later one is "other". First come, first served rather
// than most used, because a label that changed its meaning over time would
// make counters fall.
type vocabulary struct {
	max   int
	names map[string]string // as it came -> as it is shown
}

func newVocabulary(limit int) vocabulary {
	return vocabulary{max: limit, names: make(map[string]string)}
}

// find is the shown name, and whether the answer is final. It is not where
// the name is new and there is room: admit it then.
func (v *vocabulary) find(name string) (shown string, final bool) {
	if name == "" {
		return "", true
	}
	if shown, ok := v.names[name]; ok {
		return shown, true
	}
	return other, len(v.names) >= v.max
}

// admit gives a new name its place. The copy keeps the vocabulary from
// holding on to the request that the name was a part of.
func (v *vocabulary) admit(name string) string {
	shown, final := v.find(name)
	if final {
		return shown
	}
	shown = strings.Clone(clean(name))
	v.names[strings.Clone(name)] = shown
	return shown
}

// maxText bounds a text from outside. Names are far shorter; longer ones are
// an attack or a mistake.
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
