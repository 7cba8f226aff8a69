package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	maxBreaks    = 5                // downloads that are gone on with
	maxRefusals  = 3                // times that "too many requests" is waited for
	maxRetryWait = 60 * time.Second // longer than that the user is told instead
)

// errStalled is the cause a download is cancelled with when nothing came.
var errStalled = errors.New("no data came")

// brokenError is a download that ended before the file did.
type brokenError struct{ error }

func (e *brokenError) Unwrap() error { return e.error }

// refusedError is an answer to come again later.
type refusedError struct {
	error
	wait time.Duration
}

// fetch downloads u into the cache under name and returns its path and size. A
// download that breaks off is gone on with; what can't be gone on with now is
// left for the next try.
func (h *hub) fetch(ctx context.Context, u *url.URL, name string, limit int64, progress func(done, total int64)) (path string, size int64, err error) {
	if h.offline {
		return "", 0, errors.New("it is not in the cache and HF_HUB_OFFLINE forbids the network: unset it")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, h.timeout, fmt.Errorf("it took longer than %v", h.timeout))
	defer cancel()
	part, err := h.cache.resume(name, u.Redacted())
	if err != nil {
		return "", 0, err
	}
	keep := true
	defer func() { part.close(keep) }()
	best, breaks, refusals := part.size, 0, 0
	for {
		meta, wantSHA, err := h.attempt(ctx, u, part, limit, progress)
		if err == nil {
			keep = false
			return part.finish(meta, wantSHA)
		}
		if errors.Is(err, errTooLarge) {
			keep = false
			return "", 0, err
		}
		var broken *brokenError
		var refused *refusedError
		switch {
		case ctx.Err() != nil:
			return "", 0, part.told(err)
		case errors.As(err, &refused) && refusals < maxRefusals && refused.wait <= maxRetryWait:
			refusals++
			if sleep(ctx, refused.wait) != nil {
				return "", 0, part.told(err)
			}
		case errors.As(err, &broken) && breaks < maxBreaks && part.size > best:
			best = part.size
			breaks++
		default:
			return "", 0, part.told(err)
		}
	}
}

// attempt asks once for what part lacks of u, and adds what comes.
func (h *hub) attempt(ctx context.Context, u *url.URL, part *partial, limit int64, progress func(done, total int64)) (meta fileMeta, wantSHA string, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stalled := time.AfterFunc(h.stall, func() { stop(fmt.Errorf("%w for %v", errStalled, h.stall)) })
	defer stalled.Stop()

	resp, err := h.get(ctx, u, part.size)
	if err != nil {
		return meta, "", err
	}
	defer resp.Body.Close() // what it could report, reading has reported
	total, err := h.goOn(resp, part)
	if err != nil {
		return meta, "", err
	}
	if total > limit {
		return meta, "", tooLarge(part.name, limit)
	}
	body := &meter{r: resp.Body, limit: limit, done: part.size, read: func(done int64) {
		stalled.Reset(h.stall)
		progress(done, total)
	}}
	if _, err := io.Copy(part, body); err != nil && body.err == nil {
		return meta, "", err // of the disk
	}
	if err := body.failure(context.Cause(ctx), part.name, total); err != nil {
		return meta, "", err
	}
	return fileMeta{URL: u.Redacted(), ETag: part.etag, Commit: resp.Header.Get("X-Repo-Commit")}, linkedSHA(resp), nil
}

// goOn settles where in the file an answer goes on and returns the whole
// file's size, -1 where the hub does not say.
func (h *hub) goOn(resp *http.Response, part *partial) (total int64, err error) {
	tag := etag(resp)
	switch resp.StatusCode {
	case http.StatusOK: // the whole file, asked for or not
		if err := part.reset(); err != nil {
			return 0, err
		}
		part.etag = tag
		return resp.ContentLength, nil
	case http.StatusPartialContent:
		var first, last int64
		_, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &total)
		if err == nil && first == part.size && tag == part.etag {
			return total, nil
		}
	case http.StatusRequestedRangeNotSatisfiable:
	default:
		return 0, h.statusError(resp)
	}
	// Not a part of the same file: from its start, then.
	if part.size == 0 {
		return 0, h.statusError(resp)
	}
	if err := part.reset(); err != nil {
		return 0, err
	}
	return 0, &refusedError{error: fmt.Errorf("it changed while it was fetched: try again")}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

var errTooLarge = errors.New("too large")

func tooLarge(name string, limit int64) error {
	return &markedError{err: fmt.Errorf("%s is larger than the %d MiB that are read", name, limit>>20), mark: errTooLarge}
}

// meter is a reader that counts, bounds, and remembers how reading ended.
type meter struct {
	r     io.Reader
	limit int64
	read  func(done int64)
	done  int64
	err   error // other than io.EOF
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.done += int64(n)
	if m.done > m.limit {
		err = errTooLarge
	}
	if err != nil && err != io.EOF {
		m.err = err
	}
	if n > 0 {
		m.read(m.done)
	}
	return n, err
}

// failure says how reading ended, unless it ended well. cause is why the
// context ended, where it did.
func (m *meter) failure(cause error, name string, total int64) error {
	switch {
	case m.err == nil && (total < 0 || m.done == total):
		return nil
	case errors.Is(m.err, errTooLarge):
		return tooLarge(name, m.limit)
	case m.err != nil && cause != nil:
		return &brokenError{fmt.Errorf("the download broke off after %d bytes: %w", m.done, cause)}
	case m.err == nil:
		return &brokenError{fmt.Errorf("the download ended after %d of %d bytes", m.done, total)}
	case total >= 0:
		return &brokenError{fmt.Errorf("the download broke off after %d of %d bytes: %w", m.done, total, m.err)}
	}
	return &brokenError{fmt.Errorf("the download broke off after %d bytes: %w", m.done, m.err)}
}
