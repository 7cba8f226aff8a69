package tokenizer

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

func normalizerOf(n *node) (normalizer, error) {
	if n == nil {
		return func(p piece) (piece, error) { return p, nil }, nil
	}
	switch n.Type {
	case "Sequence":
		return normalizers(n.Normalizers)
	case "NFC", "NFD", "NFKC", "NFKD":
		f := map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}[n.Type]
		return rewrite(func(s string) string { return normalForm(f, s) }), nil
	case "Lowercase":
		return rewrite(lowercase), nil
	case "ByteLevel":
		return rewrite(inLetters), nil
	case "StripAccents":
		return drop(runes().combining.has), nil
	case "Nmt":
		return sequence(drop(isNmtControl), rewrite(nmtSpaces)), nil
	case "BertNormalizer":
		return bertNormalizer(n), nil
	case "Precompiled":
		return precompiled(n.Charsmap)
	case "Strip":
		return strip(n.StripLeft, n.StripRight), nil
	case "Prepend":
		return prepend(n.Prepend), nil
	case "Replace":
		return replace(n.Pattern, n.Content)
	default:
		return nil, unsupported("normalizer", n.Type)
	}
}

func normalizers(list []node) (normalizer, error) {
	var all []normalizer
	for i := range list {
		f, err := normalizerOf(&list[i])
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return sequence(all...), nil
}

func sequence(all ...normalizer) normalizer {
	return func(p piece) (_ piece, err error) {
		for _, f := range all {
			if p, err = f(p); err != nil {
				return p, err
			}
		}
		return p, nil
	}
}

func rewrite(f func(string) string) normalizer {
	return func(p piece) (piece, error) { return p.rewritten(f), nil }
}

// drop leaves characters out.
func drop(is func(rune) bool) normalizer {
	keep := func(s string) string {
		return strings.Map(func(r rune) rune {
			if is(r) {
				return -1
			}
			return r
		}, s)
	}
	return func(p piece) (piece, error) {
		return piece{text: keep(p.text), head: len(keep(p.text[:p.head]))}, nil
	}
}

// strip leaves white space out at the ends.
func strip(left, right bool) normalizer {
	return func(p piece) (piece, error) {
		from, to := 0, len(p.text)
		if left {
			from = to - len(strings.TrimLeftFunc(p.text, unicode.IsSpace))
		}
		if right {
			to = from + len(strings.TrimRightFunc(p.text[from:], unicode.IsSpace))
		}
		return p.part(from, to), nil
	}
}

func prepend(prefix string) normalizer {
	return func(p piece) (piece, error) {
		if p.text == "" {
			return p, nil
		}
		return p.after(prefix), nil
	}
}

func replace(of *pattern, by string) (normalizer, error) {
	find, err := of.compile()
	if err != nil {
		return nil, err
	}
	return func(p piece) (piece, error) {
		found, err := find(p.text)
		if err != nil || len(found) == 0 {
			return p, err
		}
		var b strings.Builder
		head := 0
		for _, s := range segmentsOf(p.text, found, false) {
			switch {
			case !s.found:
				b.WriteString(p.text[s.from:s.to])
				head += p.part(s.from, s.to).head
			default:
				b.WriteString(by)
				if s.to <= p.head { // it stands for the last of what it replaces
					head += len(by)
				}
			}
		}
		return piece{text: b.String(), head: head}, nil
	}, nil
}
