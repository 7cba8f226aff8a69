package dataset

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// errNoFiles marks a repository that has no file of the part that is wanted.
var errNoFiles = errors.New("no files")

// selectFiles picks the data files of the part of a repository that src names:
// its files, or else those of its subset and split. Of those the best kind of
// fileKinds that is there, all of its files, in order of their names.
func selectFiles(names []string, src hubSource) ([]string, error) {
	if src.files != nil {
		return named(names, src.files)
	}
	var data []string
	for _, name := range names {
		kind, ok := kindOf(path.Ext(name))
		if ok && kind.columns && safePath(name) && !isMetadata(name) && inSubset(name, src.subset) {
			data = append(data, name)
		}
	}
	for _, group := range splitGroups(data, src.split) {
		for _, kind := range fileKinds() {
			if files := withExt(group, kind.ext); len(files) > 0 {
				return files, oneFolder(files, src)
			}
		}
	}
	what := "no parquet, csv, jsonl or json file"
	if src.subset != "" {
		what += fmt.Sprintf(" of the subset %q", src.subset)
	}
	if src.split != "" {
		what += fmt.Sprintf(" of the split %q", src.split)
	}
	return nil, &markedError{mark: errNoFiles, err: fmt.Errorf("bad content: %s among its %d files", what, len(names))}
}

// named returns the files of want, which must all be there.
func named(names, want []string) ([]string, error) {
	for _, name := range want {
		if !slices.Contains(names, name) || !safePath(name) {
			return nil, &markedError{mark: errNoFiles, err: fmt.Errorf("bad content: no file %q among its %d files", name, len(names))}
		}
	}
	return want, nil
}

// inSubset tells whether a file is of a subset: below a folder of that name,
// or with a name that begins with it. The subset "default" is the hub's name
// for that of a repository without any.
func inSubset(name, subset string) bool {
	if subset == "" || subset == "default" {
		return true
	}
	rest, ok := strings.CutPrefix(path.Base(name), subset)
	return slices.Contains(strings.Split(path.Dir(name), "/"), subset) || ok && rest != "" && strings.Contains("-_.", rest[:1])
}

// splitGroups sorts files by how well they name the split, best first: a file
// or folder called like it (train-00000-of-00001.parquet, train/0.csv) before
// one that has it among its words. A file that names no split is of the split
// train. Where no split is asked for it is the first there is of the usual ones.
func splitGroups(names []string, split string) [][]string {
	splits := []string{"train", "test", "validation", "valid", "dev"}
	if split == "" {
		var groups [][]string
		for _, s := range splits {
			groups = append(groups, splitGroups(names, s)...)
		}
		return groups
	}
	var exact, inWords, noSplit []string
	for _, name := range names {
		switch words := splitWords(name); {
		case called(name, split):
			exact = append(exact, name)
		case hasRun(words, splitWords(split)):
			inWords = append(inWords, name)
		case !contains(words, splits...) && split == "train":
			noSplit = append(noSplit, name)
		}
	}
	return [][]string{exact, inWords, noSplit}
}

// called tells whether a folder is called split, or the file, but for its
// extension and the number of its shard.
func called(name, split string) bool {
	if slices.Contains(strings.Split(path.Dir(name), "/"), split) {
		return true
	}
	rest, ok := strings.CutPrefix(path.Base(name), split)
	return ok && (strings.HasPrefix(rest, ".") || len(rest) > 1 && rest[0] == '-' && rest[1] >= '0' && rest[1] <= '9')
}

// oneFolder refuses files of several subsets at once, which would be prompts
// that nobody asked for.
func oneFolder(files []string, src hubSource) error {
	var folders []string
	for _, name := range files {
		if dir := path.Dir(name); !slices.Contains(folders, dir) {
			folders = append(folders, dir)
		}
	}
	if src.subset != "" || len(folders) == 1 {
		return nil
	}
	return configErrorf("its files of this split are in the folders %s: choose one with --hf-subset", listed(folders))
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

// hasRun tells whether run comes up in words, one after the other.
func hasRun(words, run []string) bool {
	for i := range words {
		if len(run) > 0 && i+len(run) <= len(words) && slices.Equal(words[i:i+len(run)], run) {
			return true
		}
	}
	return false
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
