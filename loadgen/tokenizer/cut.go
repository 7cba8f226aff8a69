package tokenizer

import "slices"

// cut says how to cut around what is found.
type cut struct {
	find     finder
	behavior string // where what was found then is
	invert   bool   // what was not found is meant
}

// behaviors that a cut may have.
var behaviors = []string{"Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"}

func (c cut) splitter() (splitter, error) {
	if !slices.Contains(behaviors, c.behavior) {
		return nil, unsupported("pre-tokenizer", "Split "+c.behavior)
	}
	return func(pieces []piece) (out []piece, err error) {
		for _, p := range pieces {
			found, err := c.find(p.text)
			if err != nil {
				return nil, err
			}
			out = c.appendParts(out, p, segmentsOf(p.text, found, c.invert))
		}
		return out, nil
	}, nil
}

// segment is a part of a text that was found, or that was not.
type segment struct {
	from, to int
	found    bool
}

// segmentsOf is the whole text.
func segmentsOf(text string, found [][]int, invert bool) []segment {
	list := make([]segment, 0, 2*len(found)+1)
	at := 0
	for _, m := range found {
		if m[0] > at {
			list = append(list, segment{at, m[0], invert})
		}
		list = append(list, segment{m[0], m[1], !invert})
		at = m[1]
	}
	if at < len(text) {
		list = append(list, segment{at, len(text), invert})
	}
	return list
}

// appendParts appends the parts of p, of which none is empty.
func (c cut) appendParts(out []piece, p piece, list []segment) []piece {
	from := 0
	for i, s := range list {
		if c.joinsNext(list, i) {
			continue
		}
		if s.to > from && !(s.found && c.behavior == "Removed") {
			out = append(out, p.part(from, s.to))
		}
		from = s.to
	}
	return out
}

// joinsNext says whether segment i and the one after it are one part.
func (c cut) joinsNext(list []segment, i int) bool {
	if i+1 == len(list) {
		return false
	}
	this, next := list[i].found, list[i+1].found
	switch c.behavior {
	case "MergedWithPrevious":
		return next && !this
	case "MergedWithNext":
		return this && !next
	case "Contiguous":
		return this == next
	default:
		return false
	}
}
