package dataset

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
)

// listing is what the hub says a repository holds at one commit.
type listing struct {
	SHA      string `json:"sha"`
	Siblings []struct {
		Name string `json:"rfilename"`
	} `json:"siblings"`
}

func (l listing) names() []string {
	names := make([]string, len(l.Siblings))
	for i, s := range l.Siblings {
		names[i] = s.Name
	}
	return names
}

// listing returns the repository's listing, asking the hub at most once in the
// life of the cache: files are then fetched from the commit it names.
func (h *hub) listing(ctx context.Context) (listing, error) {
	if path, _, ok := h.cache.has(listingFile); ok {
		if raw, err := readAtMost(path, maxListingBytes); err == nil {
			if l, err := parseListing(raw); err == nil {
				return l, nil
			}
		}
	}
	u := h.base.JoinPath("api", "datasets", h.src.repo, "revision", url.PathEscape(cmp.Or(h.src.revision, mainRevision)))
	path, _, err := h.fetch(ctx, u, listingFile, maxListingBytes, func(int64, int64) {})
	if err != nil {
		return listing{}, err
	}
	raw, err := readAtMost(path, maxListingBytes)
	if err != nil {
		return listing{}, err
	}
	l, err := parseListing(raw)
	if err != nil {
		h.cache.drop(listingFile)
		return listing{}, fmt.Errorf("bad content: the answer is no listing of files (is HF_ENDPOINT a hub, and no login page in between?): %w", err)
	}
	return l, nil
}

func parseListing(raw []byte) (listing, error) {
	var l listing
	if err := json.Unmarshal(raw, &l); err != nil {
		return listing{}, err
	}
	if len(l.Siblings) == 0 {
		return listing{}, errors.New("it names no files")
	}
	return l, nil
}
