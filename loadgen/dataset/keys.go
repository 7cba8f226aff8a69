package dataset

// DefaultKey is the dataset used where none is named.
const DefaultKey = "aime"

// BuiltinKey names the prompts embedded in the binary.
const BuiltinKey = "builtin"

// hubSource is where a dataset lives on the hub and which part of it is meant.
type hubSource struct {
	key      string
	repo     string // owner/name
	revision string // branch, tag or commit
	split    string // files of this split are taken, where files name splits
	column   string // holds the prompt
}

// hubSources are the hub's datasets that have a short name. A new one is a new
// row.
func hubSources() []hubSource {
	return []hubSource{
		{key: "aime", repo: "gneubig/aime-1983-2024", revision: "main", split: "train", column: "Question"},
	}
}

// Keys lists what Config.Key may be, the default first.
func Keys() []string {
	var keys []string
	for _, s := range hubSources() {
		keys = append(keys, s.key)
	}
	return append(keys, BuiltinKey)
}

// lookup finds the hub dataset known as key.
func lookup(key string) (hubSource, bool) {
	for _, s := range hubSources() {
		if s.key == key {
			return s, true
		}
	}
	return hubSource{}, false
}
