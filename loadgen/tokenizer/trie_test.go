package tokenizer

import "testing"

func TestTrieFindsTheLongest(t *testing.T) {
	keys := []trieKey{{"a", 1}, {"ab", 2}, {"abcd", 3}, {"b", 4}, {"ab", 5}}
	for c := byte('c'); c <= 'z'; c++ { // so many children that they are halved
		keys = append(keys, trieKey{string(c), int32(c)})
	}
	trie := newTrie(keys)
	for _, tt := range []struct {
		text  string
		size  int
		value int32
	}{
		{"", 0, noValue},
		{"A", 0, noValue},
		{"~", 0, noValue},
		{"a", 1, 1},
		{"abc", 2, 5}, // of equals the last
		{"abcde", 4, 3},
		{"ba", 1, 4},
		{"z", 1, 'z'},
	} {
		if size, value := trie.longest(trieRoot, tt.text); size != tt.size || value != tt.value {
			t.Errorf("%q: %d bytes of %d, want %d of %d", tt.text, size, value, tt.size, tt.value)
		}
	}
}
