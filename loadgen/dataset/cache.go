package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// listingFile is the name the listing is cached under. No file of a repository
// can have it, since names with a leading dot are not fetched.
const listingFile = ".listing.json"

// cacheDir is the directory of one dataset from one hub:
// ROOT/HOST/OWNER--NAME/REVISION. Beside each file is FILE.meta.json, written
// after it; a file without one, or that differs from it, counts as absent.
type cacheDir string

// fileMeta is the sidecar of a cached file.
type fileMeta struct {
	URL    string `json:"url"`
	ETag   string `json:"etag,omitempty"`
	Commit string `json:"commit,omitempty"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`

	wantSHA string // what SHA256 must be, where the hub said so
}

// newCacheDir names the directory; nothing is created before something is to
// be kept.
func newCacheDir(root string, base *url.URL, src hubSource) (cacheDir, error) {
	if root == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", configErrorf("finding the cache directory: %w: set HOME or XDG_CACHE_HOME", err)
		}
		root = filepath.Join(user, "tokenomics", "datasets")
	}
	host := strings.ReplaceAll(base.Host+base.Path, ":", "_")
	host = strings.ReplaceAll(host, "/", "_")
	repo := strings.ReplaceAll(src.repo, "/", "--")
	return cacheDir(filepath.Join(root, host, repo, strings.ReplaceAll(src.revision, "/", "--"))), nil
}

func (d cacheDir) path(name string) string { return filepath.Join(string(d), filepath.FromSlash(name)) }
func (d cacheDir) meta(name string) string { return d.path(name) + ".meta.json" }

// has returns the path and size of a file that is there, whole and unchanged.
func (d cacheDir) has(name string) (path string, size int64, ok bool) {
	raw, err := readAtMost(d.meta(name), 1<<20)
	if err != nil {
		return "", 0, false
	}
	var want fileMeta
	if err := json.Unmarshal(raw, &want); err != nil {
		return "", 0, false
	}
	f, err := openRegular(d.path(name))
	if err != nil {
		return "", 0, false
	}
	defer f.Close() // read only: nothing can be lost
	sum := sha256.New()
	size, err = io.Copy(sum, f)
	if err != nil || size != want.Size || hex.EncodeToString(sum.Sum(nil)) != want.SHA256 {
		return "", 0, false
	}
	return d.path(name), size, true
}

// store keeps what body has under name. Until all of it is there it has
// another name, which is removed if it never comes.
func (d cacheDir) store(name string, body io.Reader, meta fileMeta) (path string, size int64, err error) {
	path = d.path(name)
	sum := sha256.New()
	err = replaceFile(path, func(w io.Writer) error {
		size, err = io.Copy(io.MultiWriter(w, sum), body)
		if err != nil {
			return err
		}
		meta.Size, meta.SHA256 = size, hex.EncodeToString(sum.Sum(nil))
		if meta.wantSHA != "" && meta.SHA256 != meta.wantSHA {
			return fmt.Errorf("bad content in %s: its SHA-256 is not the one the hub names: try again", name)
		}
		return nil
	})
	if err != nil {
		return "", 0, err
	}
	raw, err := json.MarshalIndent(meta, "", "  ")
	if err != nil {
		return "", 0, err
	}
	err = replaceFile(d.meta(name), func(w io.Writer) error {
		_, err := w.Write(append(raw, '\n'))
		return err
	})
	if err != nil {
		return "", 0, err
	}
	return path, size, nil
}

// drop forgets a file. Without its sidecar it is not used again, so only the
// sidecar must go; one that can't be removed is found out again by whoever
// reads the file.
func (d cacheDir) drop(name string) {
	_ = os.Remove(d.meta(name))
}

// replaceFile writes a file in whole: beside it, then renamed over it.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making room in the cache (HOME or XDG_CACHE_HOME say where it is): %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".partial-*")
	if err != nil {
		return fmt.Errorf("making room in the cache (HOME or XDG_CACHE_HOME say where it is): %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // left behind, it is only room on the disk
		}
	}()
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// openRegular opens a file of the cache, and nothing that only looks like one.
func openRegular(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return os.Open(path)
}
