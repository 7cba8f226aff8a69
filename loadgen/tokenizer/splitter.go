package tokenizer

import "unicode"

func splitterOf(n *node) (splitter, error) {
	if n == nil {
		return func(pieces []piece) ([]piece, error) { return pieces, nil }, nil
	}
	switch n.Type {
	case "Sequence":
		return splitters(n.Pretokenizers)
	case "ByteLevel":
		return byteLevel(n)
	case "Metaspace":
		return metaspace(n)
	case "BertPreTokenizer":
		return splitters([]node{{Type: "WhitespaceSplit"}, {Type: "Punctuation"}})
	}
	c, err := cutOf(n)
	if err != nil {
		return nil, err
	}
	return c.splitter()
}

// cutOf is for what does nothing but cut.
func cutOf(n *node) (c cut, err error) {
	switch n.Type {
	case "Split":
		find, err := n.Pattern.compile()
		return cut{find: find, behavior: n.Behavior, invert: n.Invert}, err
	case "Digits":
		c = cut{find: findRunes(runes().numeric.has), behavior: "Contiguous"}
		if n.IndividualDigits {
			c.behavior = "Isolated"
		}
	case "Punctuation":
		c = cut{find: findRunes(isPunctuation), behavior: n.Behavior}
		if c.behavior == "" {
			c.behavior = "Isolated"
		}
	case "WhitespaceSplit":
		c = cut{find: findRunes(unicode.IsSpace), behavior: "Removed"}
	case "Whitespace":
		c = cut{find: findWords, behavior: "Removed", invert: true}
	case "CharDelimiterSplit":
		c = cut{find: findString(n.Delimiter), behavior: "Removed"}
		if n.Delimiter == "" {
			err = unsupported("pre-tokenizer", "CharDelimiterSplit without a delimiter")
		}
	default:
		err = unsupported("pre-tokenizer", n.Type)
	}
	return c, err
}

func splitters(list []node) (splitter, error) {
	var all []splitter
	for i := range list {
		s, err := splitterOf(&list[i])
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return func(pieces []piece) (_ []piece, err error) {
		for _, s := range all {
			if pieces, err = s(pieces); err != nil {
				return nil, err
			}
		}
		return pieces, nil
	}, nil
}
