package tokenizer

import (
	"fmt"
	"strings"

	"github.com/dlclark/regexp2/v2"
	"golang.org/x/text/unicode/norm"
)

// pattern is what is looked for, literally or as a regular expression with
// lookahead, which Go's own has not.
type pattern struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

// compile returns a function that finds where the pattern is in a text, as
// pairs of byte offsets.
func (p *pattern) compile() (find func(string) ([][]int, error), err error) {
	expr := ""
	switch {
	case p == nil:
		return nil, fmt.Errorf("a pattern is missing: %w", errUnsupported)
	case p.String != nil:
		expr = regexp2.Escape(*p.String)
	case p.Regex != nil:
		expr = *p.Regex
	default:
		return nil, fmt.Errorf("a pattern is neither String nor Regex: %w", errUnsupported)
	}
	re, err := regexp2.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("compiling its pattern: %w", err)
	}
	return func(s string) ([][]int, error) { return re.FindAllStringIndex(s, -1) }, nil
}

func normalizerOf(n *node) (func(string) string, error) {
	if n == nil {
		return func(s string) string { return s }, nil
	}
	switch n.Type {
	case "Sequence":
		return normalizers(n.Normalizers)
	case "NFC":
		return norm.NFC.String, nil
	case "NFD":
		return norm.NFD.String, nil
	case "NFKC":
		return norm.NFKC.String, nil
	case "NFKD":
		return norm.NFKD.String, nil
	case "Lowercase":
		return strings.ToLower, nil
	case "Prepend":
		return func(s string) string {
			if s == "" {
				return s
			}
			return n.Prepend + s
		}, nil
	case "Replace":
		if n.Pattern == nil || n.Pattern.String == nil {
			return nil, unsupported("normalizer", "Replace of a regular expression")
		}
		return func(s string) string { return strings.ReplaceAll(s, *n.Pattern.String, n.Content) }, nil
	default:
		return nil, unsupported("normalizer", n.Type)
	}
}

func normalizers(list []node) (func(string) string, error) {
	var all []func(string) string
	for i := range list {
		f, err := normalizerOf(&list[i])
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return func(s string) string {
		for _, f := range all {
			s = f(s)
		}
		return s
	}, nil
}
