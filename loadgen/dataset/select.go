package dataset

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// selectFiles picks the data files of one split. Files that name the split (a
// word of their path: data/train-00000-of-00001.parquet) come before files
// that name none; of those the best kind of fileKinds that is there, all of
// its files, in order of their names.
func selectFiles(names []string, split string) ([]string, error) {
	var inSplit, noSplit []string
	for _, name := range names {
		kind, ok := kindOf(name)
		if !ok || !kind.columns || !safePath(name) || isMetadata(name) {
			continue
		}
		switch words := splitWords(name); {
		case contains(words, split):
			inSplit = append(inSplit, name)
		case !contains(words, "train", "test", "validation", "valid", "dev"):
			noSplit = append(noSplit, name)
		}
	}
	for _, group := range [][]string{inSplit, noSplit} {
		for _, kind := range fileKinds() {
			if files := withExt(group, kind.ext); len(files) > 0 {
				return files, nil
			}
		}
	}
	return nil, fmt.Errorf("bad content: no parquet, csv, jsonl or json file of the split %q among its %d files", split, len(names))
}

// isMetadata knows the JSON files that describe a dataset and hold no rows.
func isMetadata(name string) bool {
	switch strings.ToLower(path.Base(name)) {
	case "dataset_infos.json", "dataset_info.json", "state.json", "config.json":
		return true
	}
	return strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
}

// safePath tells whether a repository's path may become one below the cache.
func safePath(name string) bool {
	return name != "" && len(name) < 512 && filepath.IsLocal(filepath.FromSlash(name)) &&
		!strings.ContainsFunc(name, func(r rune) bool {
			return r == '\\' || r == ':' || unicode.IsControl(r)
		})
}

// splitWords cuts a path into its words, in lower case.
func splitWords(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// contains tells whether any of words is one of wanted.
func contains(words []string, wanted ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(wanted, w) })
}

// withExt returns the names that end in ext, sorted.
func withExt(names []string, ext string) []string {
	var out []string
	for _, n := range names {
		if strings.EqualFold(filepath.Ext(n), ext) {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}
