package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// minKept is the size from which on it pays to keep what came of a file.
const minKept = 1 << 20

// partial is a file of the cache while it is downloaded: a file of its own
// that becomes the cached one once it is whole. Where it does not become whole
// it is kept as FILE.partial, and the next download goes on from there. A
// download takes it by renaming it, so that only one can have it.
type partial struct {
	cache cacheDir
	name  string
	url   string
	f     *os.File
	size  int64
	etag  string // of the file that these bytes are of
}

// partialMeta is the sidecar FILE.partial.json.
type partialMeta struct {
	URL  string `json:"url"`
	ETag string `json:"etag"`
}

func (d cacheDir) partial(name string) string { return d.path(name) + ".partial" }

// resume returns what is there of a file that is fetched from url; nothing at
// worst.
func (d cacheDir) resume(name, url string) (*partial, error) {
	f, err := createBeside(d.path(name))
	if err != nil {
		return nil, err
	}
	p := &partial{cache: d, name: name, url: url, f: f}
	raw, err := readAtMost(d.partial(name)+".json", 1<<20)
	if err != nil {
		return p, nil
	}
	var meta partialMeta
	if json.Unmarshal(raw, &meta) != nil || meta.URL != url || meta.ETag == "" {
		return p, nil
	}
	if info, err := os.Lstat(d.partial(name)); err != nil || !info.Mode().IsRegular() {
		return p, nil
	}
	_ = f.Close() // empty, and replaced now unless another download is faster
	taken := os.Rename(d.partial(name), f.Name()) == nil
	if p.f, err = os.OpenFile(f.Name(), os.O_RDWR, 0); err != nil || !taken {
		return p, err
	}
	p.etag = meta.ETag
	p.size, err = p.f.Seek(0, io.SeekEnd)
	return p, err
}

// reset forgets what there is.
func (p *partial) reset() error {
	p.size, p.etag = 0, ""
	if err := p.f.Truncate(0); err != nil {
		return err
	}
	_, err := p.f.Seek(0, io.SeekStart)
	return err
}

func (p *partial) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	p.size += int64(n)
	return n, err
}

// finish makes it the cached file, whose SHA-256 must be wantSHA where that is
// not "".
func (p *partial) finish(meta fileMeta, wantSHA string) (path string, size int64, err error) {
	sum := sha256.New()
	if _, err := p.f.Seek(0, io.SeekStart); err != nil {
		return "", 0, err
	}
	if size, err = io.Copy(sum, p.f); err != nil {
		return "", 0, err
	}
	meta.Size, meta.SHA256 = size, hex.EncodeToString(sum.Sum(nil))
	if wantSHA != "" && meta.SHA256 != wantSHA {
		return "", 0, fmt.Errorf("bad content in %s: its SHA-256 is not the one the hub names: try again", p.name)
	}
	if err := errors.Join(p.f.Sync(), p.f.Close()); err != nil {
		return "", 0, err
	}
	path = p.cache.path(p.name)
	if err := os.Rename(p.f.Name(), path); err != nil {
		return "", 0, err
	}
	for _, left := range []string{p.cache.partial(p.name), p.cache.partial(p.name) + ".json"} {
		_ = os.Remove(left) // mostly not there; left behind, it is only room on the disk
	}
	return path, size, p.cache.record(p.name, meta)
}

// worthKeeping tells whether the next download can go on from here, and gains
// by it.
func (p *partial) worthKeeping() bool { return p.size >= minKept && p.etag != "" }

// told adds to an error what becomes of the bytes that came.
func (p *partial) told(err error) error {
	if p.worthKeeping() {
		return fmt.Errorf("%w; %d MiB are kept: try again, and it goes on from there", err, p.size>>20)
	}
	return err
}

// close gives up the file, and keeps its bytes for the next download where
// keep says so and there is enough of them.
func (p *partial) close(keep bool) {
	tmp := p.f.Name()
	err := p.f.Close()
	if keep && err == nil && p.worthKeeping() {
		raw, err := json.Marshal(partialMeta{URL: p.url, ETag: p.etag})
		if err == nil && replaceFile(p.cache.partial(p.name)+".json", raw) == nil && os.Rename(tmp, p.cache.partial(p.name)) == nil {
			return
		}
	}
	_ = os.Remove(tmp) // gone already where the file is whole; left behind, it is only room on the disk
}
