package dataset

import (
	"cmp"
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
	return cacheDir(filepath.Join(root, host, repo, strings.ReplaceAll(cmp.Or(src.revision, mainRevision), "/", "--"))), nil
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

// record writes the sidecar of a file that is there whole.
func (d cacheDir) record(name string, meta fileMeta) error {
	raw, err := json.MarshalIndent(meta, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(d.meta(name), append(raw, '\n'))
}

// drop forgets a file. Without its sidecar it is not used again, so only the
// sidecar must go; one that can't be removed is found out again by whoever
// reads the file.
func (d cacheDir) drop(name string) {
	_ = os.Remove(d.meta(name))
}

// replaceFile writes a file in whole: beside it, then renamed over it.
func replaceFile(path string, content []byte) (err error) {
	f, err := createBeside(path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // left behind, it is only room on the disk
		}
	}()
	_, err = f.Write(content)
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

// createBeside makes a file of another name in the folder of path, which is
// made where it is not there.
func createBeside(path string) (*os.File, error) {
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(filepath.Dir(path), ".partial-*"); err == nil {
			return f, nil
		}
	}
	return nil, fmt.Errorf("making room in the cache (HOME or XDG_CACHE_HOME say where it is): %w", err)
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
