package dataset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

const (
	defaultEndpoint     = "https://huggingface.co"
	defaultTimeout      = 10 * time.Minute
	defaultStallTimeout = 30 * time.Second
	maxListingBytes     = 16 << 20 // the largest repositories list some 10 MiB
	maxDownloadBytes    = 4 << 30  // all files of one dataset
	maxRedirects        = 10

	mainRevision    = "main"
	parquetRevision = "refs/convert/parquet" // written by the hub: CONFIG/SPLIT/0000.parquet
)

// openHub loads a dataset of the hub, from the cache where it is there.
func openHub(ctx context.Context, cfg Config, src hubSource) (*Dataset, error) {
	src, limit, err := src.refined(cfg)
	if err != nil {
		return nil, err
	}
	h, err := newHub(cfg, src)
	if err != nil {
		return nil, err
	}
	c := collector{max: cfg.MaxPrompts}
	if limit > 0 && (c.max == 0 || limit < c.max) {
		c.max = limit
	}
	if err := h.collectAny(ctx, cfg, &c); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("fetching dataset %q: %w", src.key, context.Cause(ctx))
		}
		err = fmt.Errorf("fetching dataset %q (%s at %s): %w", src.key, src.repo, h.base.Redacted(), err)
		if src.own && errors.Is(err, ErrConfig) {
			return nil, err
		}
		if src.own && errors.Is(err, errNoFiles) {
			return nil, &markedError{err: fmt.Errorf("%w: correct --hf-subset and --hf-split", err), mark: ErrConfig}
		}
		// %v: a file of the hub that has not the table's column is no wrong use.
		return nil, &markedError{mark: ErrUnavailable, err: fmt.Errorf(
			"%v; or use --dataset-key %s, or --dataset-file FILE", err, BuiltinKey)}
	}
	return New(src.key, src.String()+", from "+h.base.Redacted(), c.prompts)
}

// collectAny adds the prompts of the dataset's files. Of a repository with no
// file that can be read (some have other formats, or a script) the hub keeps a
// copy in parquet as another revision.
func (h *hub) collectAny(ctx context.Context, cfg Config, c *collector) error {
	err := h.collect(ctx, c)
	if !errors.Is(err, errNoFiles) {
		return err
	}
	if h.src.revision == "" && h.src.files == nil {
		src := h.src
		src.revision = parquetRevision
		copied, err := newHub(cfg, src)
		if err != nil {
			return err
		}
		if err := copied.collect(ctx, c); !errors.Is(err, errNoFiles) && !errors.Is(err, errNotFound) {
			return err
		}
		copied.cache.drop(listingFile)
	}
	h.cache.drop(listingFile) // asked for anew, lest a mended repository is not seen
	return err
}

// hub is a client for one dataset on one hub. The protocol is the one of the
// hub's public API: a listing at /api/datasets/REPO/revision/REV and files at
// /datasets/REPO/resolve/REV/PATH, which may redirect to other hosts.
//
// gomlx/go-huggingface was tried first. It keeps no promise we need here: it
// downloads under context.Background, waits for locks without end, tells
// refusals apart only by the words of a log line, takes the endpoint from the
// environment alone and refuses repositories that redirect.
type hub struct {
	src    hubSource
	base   *url.URL
	token  string
	client *http.Client
	cache  cacheDir

	offline  bool
	timeout  time.Duration
	stall    time.Duration
	progress func(done, total int64)
}

func newHub(cfg Config, src hubSource) (*hub, error) {
	endpoint := cfg.HFEndpoint
	if endpoint == "" {
		endpoint = defaultEndpoint
	}
	base, err := url.Parse(strings.TrimRight(endpoint, "/"))
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, configErrorf("the hub's address %q is no http or https URL: correct HF_ENDPOINT", endpoint)
	}
	cache, err := newCacheDir(cfg.CacheDir, base, src)
	if err != nil {
		return nil, err
	}
	h := &hub{
		src: src, base: base, token: strings.TrimSpace(cfg.HFToken), cache: cache, offline: cfg.Offline,
		timeout: cfg.Timeout, stall: cfg.StallTimeout, progress: cfg.Progress,
	}
	if h.timeout <= 0 {
		h.timeout = defaultTimeout
	}
	if h.stall <= 0 {
		h.stall = defaultStallTimeout
	}
	if h.progress == nil {
		h.progress = func(int64, int64) {}
	}
	client := http.Client{Transport: http.DefaultTransport}
	if cfg.HTTPClient != nil {
		client = *cfg.HTTPClient
	}
	client.CheckRedirect = checkRedirect
	h.client = &client
	return h, nil
}

// collect adds the prompts of all of the dataset's files, fetching each that
// is not cached only when its rows are wanted.
func (h *hub) collect(ctx context.Context, c *collector) error {
	list, err := h.listing(ctx)
	if err != nil {
		return err
	}
	files, err := selectFiles(list.names(), h.src)
	if err != nil {
		return err
	}
	var total int64
	for _, name := range files {
		path, size, err := h.file(ctx, list, name)
		if err != nil {
			return err
		}
		if total += size; total > maxDownloadBytes {
			return fmt.Errorf("its files are more than %d MiB", maxDownloadBytes>>20)
		}
		if err := c.readFile(ctx, path, filepath.Ext(name), columns{prompt: h.src.column, image: h.src.image}); err != nil {
			if userError := h.src.own && errors.Is(err, ErrConfig); !userError && ctx.Err() == nil {
				h.cache.drop(name) // what can't be read is fetched anew next time
			}
			return fmt.Errorf("bad content in %s: %w", name, err)
		}
		if c.full() {
			return nil
		}
	}
	if len(c.prompts) == 0 {
		for _, name := range files {
			h.cache.drop(name)
		}
		return fmt.Errorf("bad content: no prompts in %s", strings.Join(files, ", "))
	}
	return nil
}

// file returns the path and size of one of the repository's files, fetched if
// it is not cached whole.
func (h *hub) file(ctx context.Context, list listing, name string) (string, int64, error) {
	if path, size, ok := h.cache.has(name); ok {
		return path, size, nil
	}
	revision := cmp.Or(list.SHA, h.src.revision, mainRevision) // a mirror may tell no commit
	parts := append([]string{"datasets", h.src.repo, "resolve", url.PathEscape(revision)}, escaped(name)...)
	return h.fetch(ctx, h.base.JoinPath(parts...), name, maxFileBytes, h.progress)
}

// escaped splits a repository's path for url.JoinPath, which takes elements in
// their escaped form.
func escaped(name string) []string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return parts
}

// readAtMost reads a file whole that has at most limit bytes.
func readAtMost(path string, limit int64) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // read only: nothing can be lost
	return io.ReadAll(io.LimitReader(f, limit))
}
