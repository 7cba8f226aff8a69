package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// errStalled is the cause a download is cancelled with when nothing came.
var errStalled = errors.New("no data came")

// fetch downloads u into the cache under name and returns its path and size.
// Nothing is kept of a download that did not come whole.
func (h *hub) fetch(ctx context.Context, u *url.URL, name string, limit int64, progress func(done, total int64)) (string, int64, error) {
	if h.offline {
		return "", 0, errors.New("it is not in the cache and HF_HUB_OFFLINE forbids the network: unset it")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, h.timeout, fmt.Errorf("it took longer than %v", h.timeout))
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stalled := time.AfterFunc(h.stall, func() { stop(fmt.Errorf("%w for %v", errStalled, h.stall)) })
	defer stalled.Stop()

	resp, err := h.get(ctx, u)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close() // what it could report, reading has reported
	if resp.StatusCode != http.StatusOK {
		return "", 0, h.statusError(resp)
	}
	total := resp.ContentLength
	if total > limit {
		return "", 0, tooLarge(name, limit)
	}
	body := &meter{r: resp.Body, limit: limit, read: func(done int64) {
		stalled.Reset(h.stall)
		progress(done, total)
	}}
	meta := fileMeta{URL: u.Redacted(), ETag: etag(resp), Commit: resp.Header.Get("X-Repo-Commit"), wantSHA: linkedSHA(resp)}
	path, size, err := h.cache.store(name, body, meta)
	switch {
	case body.err != nil && ctx.Err() != nil:
		return "", 0, fmt.Errorf("the download broke off after %d bytes: %w", body.done, context.Cause(ctx))
	case errors.Is(body.err, errTooLarge):
		return "", 0, tooLarge(name, limit)
	case body.err != nil && total >= 0:
		return "", 0, fmt.Errorf("the download broke off after %d of %d bytes: %w", body.done, total, body.err)
	case body.err != nil:
		return "", 0, fmt.Errorf("the download broke off after %d bytes: %w", body.done, body.err)
	}
	return path, size, err
}

// get asks for u, with the token, and follows redirects by checkRedirect.
func (h *hub) get(ctx context.Context, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "tokenomics")
	// Compressed by the server, a body's length could not be checked.
	req.Header.Set("Accept-Encoding", "identity")
	if h.token != "" {
		req.Header.Set("Authorization", "Bearer "+h.token)
	}
	resp, err := h.client.Do(req)
	if err == nil {
		return resp, nil
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("waiting for an answer: %w", context.Cause(ctx))
	}
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err // its URL may be a signed one, which is a secret
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return nil, fmt.Errorf("can't find host %s: is there a network, is HF_ENDPOINT right: %w", dns.Name, err)
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return nil, fmt.Errorf("can't connect: is there a network, is HF_ENDPOINT right: %w", err)
	}
	return nil, fmt.Errorf("no answer: %w", err)
}

// checkRedirect lets the hub send us on to where it keeps its files. Unlike
// net/http, which goes by domain, it takes the token to the very same scheme,
// host and port only. It does not leave TLS.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	first := via[0].URL
	if req.URL.Scheme != first.Scheme || !strings.EqualFold(req.URL.Host, first.Host) {
		req.Header.Del("Authorization")
		req.Header.Del("Cookie")
		req.Header.Del("Referer")
	}
	if first.Scheme == "https" && req.URL.Scheme != "https" {
		return fmt.Errorf("refusing to follow a redirect from https to %s", req.URL.Scheme)
	}
	return nil
}

// statusError tells what a status means and what to do about it.
func (h *hub) statusError(resp *http.Response) error {
	said := headerText(resp.Header.Get("X-Error-Message"))
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		hint := "set HF_TOKEN to a token that may read it"
		if h.token != "" {
			hint = "HF_TOKEN is not accepted for it: check the token, and that the dataset's terms were agreed to"
		}
		return fmt.Errorf("access refused (%s)%s: %s", resp.Status, said, hint)
	case code == http.StatusNotFound:
		return fmt.Errorf("not found (%s)%s: was it moved or renamed, is HF_ENDPOINT right", resp.Status, said)
	case code == http.StatusTooManyRequests:
		wait := ""
		if after := headerText(resp.Header.Get("Retry-After")); after != "" {
			wait = " (Retry-After" + after + ")"
		}
		return fmt.Errorf("too many requests (%s)%s: try again later%s, or set HF_TOKEN for a higher limit", resp.Status, said, wait)
	case code >= 500:
		return fmt.Errorf("the hub has a fault (%s)%s: try again later", resp.Status, said)
	}
	return fmt.Errorf("unexpected answer (%s)%s", resp.Status, said)
}

// headerText makes a header's text fit for one line of an error message.
func headerText(s string) string {
	const most = 200
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
	if s == "" {
		return ""
	}
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return ": " + s
}

// etag is the file's own tag: the hub gives the one of a large file on the
// redirect, since the store behind it has tags of its own.
func etag(resp *http.Response) string {
	if tag := linked(resp, "X-Linked-Etag"); tag != "" {
		return tag
	}
	return resp.Header.Get("Etag")
}

// linkedSHA is the SHA-256, in hex, that a large file must have; "" where the
// hub does not say. The tag of a file in LFS is its SHA-256; others are
// something else.
func linkedSHA(resp *http.Response) string {
	tag := strings.Trim(strings.TrimPrefix(linked(resp, "X-Linked-Etag"), "W/"), `"`)
	if len(tag) != 64 || strings.Trim(strings.ToLower(tag), "0123456789abcdef") != "" {
		return ""
	}
	return strings.ToLower(tag)
}

// linked looks for a header in an answer and in the redirects that led to it.
func linked(resp *http.Response, key string) string {
	for resp != nil {
		if v := resp.Header.Get(key); v != "" {
			return v
		}
		if resp.Request == nil {
			break
		}
		resp = resp.Request.Response
	}
	return ""
}

var errTooLarge = errors.New("too large")

func tooLarge(name string, limit int64) error {
	return fmt.Errorf("%s is larger than the %d MiB that are read", name, limit>>20)
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
