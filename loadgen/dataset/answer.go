package dataset

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// get asks for u from a byte on, with the token, and follows redirects by
// checkRedirect.
func (h *hub) get(ctx context.Context, u *url.URL, from int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "tokenomics")
	// Compressed by the server, a body's length could not be checked.
	req.Header.Set("Accept-Encoding", "identity")
	if from > 0 {
		// Without If-Range: the hub's tag is not the one of the store behind it.
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
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

// errNotFound marks the answer that there is no such thing.
var errNotFound = errors.New("not found")

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
		return &markedError{mark: errNotFound, err: fmt.Errorf("not found (%s)%s: was it moved or renamed, is HF_ENDPOINT right", resp.Status, said)}
	case code == http.StatusTooManyRequests:
		after := ""
		if text := headerText(resp.Header.Get("Retry-After")); text != "" {
			after = " (Retry-After" + text + ")"
		}
		return later(resp, fmt.Errorf("too many requests (%s)%s: try again later%s, or set HF_TOKEN for a higher limit", resp.Status, said, after))
	case code >= 500:
		return later(resp, fmt.Errorf("the hub has a fault (%s)%s: try again later", resp.Status, said))
	}
	return fmt.Errorf("unexpected answer (%s)%s", resp.Status, said)
}

// later marks err as one that the answer says when to come again after.
func later(resp *http.Response, err error) error {
	after := resp.Header.Get("Retry-After")
	if n, bad := strconv.Atoi(after); bad == nil && n >= 0 && n <= math.MaxInt32 {
		return &refusedError{error: err, wait: time.Duration(n) * time.Second}
	}
	if at, bad := http.ParseTime(after); bad == nil {
		return &refusedError{error: err, wait: max(time.Until(at), 0)}
	}
	return err
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
