package dataset

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// repoName is what the hub lets a repository be called.
var repoName = regexp.MustCompile(`^[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?$`)

// revisionName is what a branch, tag or commit may be called.
var revisionName = regexp.MustCompile(`^[A-Za-z0-9][\w./-]{0,199}$`)

// splitSlice is the hub library's notation for a split's first rows.
var splitSlice = regexp.MustCompile(`^([^\[\]]+)\[:(\d{1,9})\]$`)

// refined returns the source with what the user says of it in place of what
// it said itself, and the number of rows that its split is cut to, 0 for none.
func (s hubSource) refined(cfg Config) (hubSource, int, error) {
	if !repoName.MatchString(s.repo) {
		return s, 0, configErrorf("%q is no dataset's path on the hub: give OWNER/NAME, as in openai/gsm8k", s.repo)
	}
	if s.revision != "" && !revisionName.MatchString(s.revision) {
		return s, 0, configErrorf("%q is no revision: give a branch, tag or commit", s.revision)
	}
	s.own = s.own || cfg.HFSubset != "" || cfg.HFSplit != "" || cfg.PromptColumn != "" || cfg.ImageColumn != ""
	if cfg.HFSubset != "" || cfg.HFSplit != "" {
		s.files = nil // those are of another part
	}
	s.subset = cmp.Or(cfg.HFSubset, s.subset)
	s.split = cmp.Or(cfg.HFSplit, s.split)
	s.column = cmp.Or(cfg.PromptColumn, s.column)
	s.image = cmp.Or(cfg.ImageColumn, s.image)
	if !strings.ContainsAny(s.split, "[]%+") {
		return s, 0, nil
	}
	m := splitSlice.FindStringSubmatch(s.split)
	if m == nil {
		return s, 0, configErrorf("the split %q is not understood: give a split's name, or its first rows as in train[:1000]", s.split)
	}
	s.split = m[1]
	limit, err := strconv.Atoi(m[2])
	if err != nil || limit == 0 {
		return s, 0, configErrorf("the split %q has no rows: give a split's name, or its first rows as in train[:1000]", s.split)
	}
	return s, limit, nil
}

// String says in a few words what is taken.
func (s hubSource) String() string {
	out := "Hugging Face " + s.repo
	for _, part := range []struct{ name, value string }{
		{"revision", s.revision}, {"subset", s.subset}, {"split", s.split}, {"column", s.column}, {"images", s.image},
	} {
		if part.value != "" {
			out += fmt.Sprintf(", %s %s", part.name, part.value)
		}
	}
	return out
}
