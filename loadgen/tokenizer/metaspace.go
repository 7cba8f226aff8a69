package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// metaspace writes a space as another character, and cuts before it.
func metaspace(n *node) (splitter, error) {
	mark := n.Replacement
	if utf8.RuneCountInString(mark) != 1 {
		return nil, unsupported("pre-tokenizer", "Metaspace of "+mark)
	}
	scheme := n.PrependScheme
	if scheme == "" {
		scheme = "always"
		if n.AddPrefixSpace != nil && !*n.AddPrefixSpace {
			scheme = "never"
		}
	}
	words, err := cut{find: findString(mark), behavior: "MergedWithNext"}.splitter()
	if err != nil {
		return nil, err
	}
	return func(pieces []piece) ([]piece, error) {
		out := mapped(pieces, func(p piece) piece {
			p = p.rewritten(func(s string) string { return strings.ReplaceAll(s, " ", mark) })
			if scheme == "always" || scheme == "first" && p.head > 0 {
				p = p.prefixed(mark)
			}
			return p
		})
		if n.Split != nil && !*n.Split {
			return out, nil
		}
		return words(out)
	}, nil
}
