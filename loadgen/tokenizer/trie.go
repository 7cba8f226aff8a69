package tokenizer

import (
	"slices"
	"sort"
	"strings"
)

// trie finds the keys that a text begins with, byte by byte. A map of strings
// would have to be asked for every length of every key.
type trie struct {
	nodes []trieNode // the root first, and the children of each side by side
}

type trieNode struct {
	first, count int32 // its children, by label
	value        int32 // -1 where no key ends
	label        byte
}

const (
	trieRoot = int32(0)
	noNode   = int32(-1)
	noValue  = int32(-1)
)

type trieKey struct {
	text  string
	value int32
}

// newTrie takes keys in any order. Of equals the last counts.
func newTrie(keys []trieKey) *trie {
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b trieKey) int { return strings.Compare(a.text, b.text) })
	t := &trie{nodes: []trieNode{{value: noValue}}}
	type span struct{ from, to, depth int }
	spans := []span{{0, len(keys), 0}} // of each node, the keys that go through it
	for n := 0; n < len(t.nodes); n++ {
		s := spans[n]
		for s.from < s.to && len(keys[s.from].text) == s.depth {
			t.nodes[n].value = keys[s.from].value
			s.from++
		}
		t.nodes[n].first = int32(len(t.nodes))
		for from := s.from; from < s.to; {
			label, to := keys[from].text[s.depth], from+1
			for to < s.to && keys[to].text[s.depth] == label {
				to++
			}
			t.nodes = append(t.nodes, trieNode{value: noValue, label: label})
			spans = append(spans, span{from, to, s.depth + 1})
			from = to
		}
		t.nodes[n].count = int32(len(t.nodes)) - t.nodes[n].first
	}
	return t
}

// few children are looked through faster than halved.
const few = 8

// next is the child of a node, noNode if there is none.
func (t *trie) next(n int32, label byte) int32 {
	node := &t.nodes[n]
	children := t.nodes[node.first : node.first+node.count]
	if len(children) > few {
		i := sort.Search(len(children), func(i int) bool { return children[i].label >= label })
		if i < len(children) && children[i].label == label {
			return node.first + int32(i)
		}
		return noNode
	}
	for i := range children {
		if children[i].label == label {
			return node.first + int32(i)
		}
	}
	return noNode
}

// longest is the longest key, if any, that text goes on with from a node: where
// it ends in text, and its value.
func (t *trie) longest(n int32, text string) (size int, value int32) {
	value = noValue
	for i := 0; i < len(text); i++ {
		if n = t.next(n, text[i]); n == noNode {
			break
		}
		if v := t.nodes[n].value; v != noValue {
			size, value = i+1, v
		}
	}
	return size, value
}
