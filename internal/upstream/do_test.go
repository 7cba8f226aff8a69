package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// posting is a request with a body.
func posting(path string, body []byte) *fasthttp.Request {
	req := new(fasthttp.Request)
	req.Header.SetMethod("POST")
	req.Header.SetHost("h")
	req.Header.SetRequestURI(path)
	req.SetBodyRaw(body)
	return req
}

// served is a target that f answers for.
func served(t *testing.T, f http.HandlerFunc) Target {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	target, err := ParseTarget(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// watched is a keeper that notes when it was told what.
type watched struct {
	keeper
	told    []string
	at      []time.Time
	onPiece func()
}

func (w *watched) note(what string, at time.Time) {
	w.told, w.at = append(w.told, what), append(w.at, at)
}

func (w *watched) Sent(at time.Time) { w.note("sent", at) }

func (w *watched) Head(at time.Time, h *Head) {
	w.note("head", at)
	w.keeper.Head(at, h)
}

func (w *watched) Body(at time.Time, piece []byte) error {
	w.note("body", at)
	if w.onPiece != nil {
		w.onPiece()
	}
	return w.keeper.Body(at, piece)
}

// TestARequestLargerThanTheSocketHasRoomFor is sent whole all the same.
func TestARequestLargerThanTheSocketHasRoomFor(t *testing.T) {
	for _, size := range []int{10, maxCopied + 1, 16 << 20} {
		body := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)
		target := served(t, func(w http.ResponseWriter, r *http.Request) {
			if size > maxCopied {
				time.Sleep(50 * time.Millisecond) // meanwhile the socket is full
			}
			got, err := io.ReadAll(r.Body)
			fmt.Fprint(w, bytes.Equal(got, body), err)
		})
		p := newPool(t, target, Options{})
		c, err := p.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w := &watched{keeper: keeper{limit: 100}}
		ended, err := c.Do(t.Context(), posting("/", body), w)
		if err != nil || string(w.keeper.Whole.Body) != "true <nil>" {
			t.Errorf("%d bytes: %q, %v", size, w.keeper.Whole.Body, err)
		}
		if got := strings.Join(w.told, " "); got != "sent head body" {
			t.Errorf("%d bytes: told %s", size, got)
		}
		for i, at := range append(w.at, ended)[1:] {
			if at.Before(w.at[i]) {
				t.Errorf("%d bytes: moment %d is before the one before it", size, i+1)
			}
		}
		p.Close()
	}
}

// TestCancelled closes the connection at once, in every phase.
func TestCancelled(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
	for name, answer := range map[string]string{"while it sends": "", "before the answer": "", "in the head": head[:20], "in the body": head + "abc"} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			ctx, cancel := context.WithCancelCause(t.Context())
			why := errors.New("enough")
			closed := make(chan error, 1)
			body := []byte("{}")
			if name == "while it sends" {
				body = make([]byte, 32<<20)
			}
			go func() {
				conn, err := ln.Accept()
				if err != nil {
					closed <- err
					return
				}
				defer conn.Close()
				if name != "while it sends" {
					_, err = conn.Read(make([]byte, 1<<10))
				}
				io.WriteString(conn, answer)
				time.AfterFunc(20*time.Millisecond, func() { cancel(why) })
				if err == nil && name == "while it sends" {
					<-ctx.Done()
				}
				_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
				_, err = io.Copy(io.Discard, conn)
				closed <- err
			}()
			p := newPool(t, Target{Scheme: "http", Addr: ln.Addr().String()}, Options{})
			defer p.Close()
			c, err := p.Get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Do(ctx, posting("/", body), &keeper{limit: 9}); !errors.Is(err, why) {
				t.Errorf("error %v", err)
			}
			var timeout net.Error
			if err := <-closed; errors.As(err, &timeout) && timeout.Timeout() {
				t.Error("the engine was not told")
			}
			if s := p.Stats(); s.Open != 0 || s.Idle != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestFoundDead: an engine that closes instead of answering a second request is
// told from one that fails with the first.
func TestFoundDead(t *testing.T) {
	const ok = "HTTP/1.1 204 No Content\r\n\r\n"
	for _, tt := range []struct {
		answers []string
		dead    bool
	}{{[]string{""}, false}, {[]string{ok, ""}, true}, {[]string{ok, ok[:10]}, false}} {
		p := newPool(t, engine(t, tt.answers...), Options{})
		c, err := p.Get(t.Context())
		for i := range tt.answers {
			if err != nil {
				t.Fatal(err)
			}
			if _, err = ask(c); i < len(tt.answers)-1 {
				c, err = p.Get(t.Context())
			}
		}
		if err == nil || c.FoundDead() != tt.dead {
			t.Errorf("%q: %v, found dead: %v", tt.answers, err, c.FoundDead())
		}
		p.Close()
	}
}

// TestProvisionalHeads are not the answer.
func TestProvisionalHeads(t *testing.T) {
	p := newPool(t, engine(t, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nhi"), Options{})
	defer p.Close()
	c, err := p.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if w, err := c.Fetch(t.Context(), posting("/", nil), 10); err != nil || w.Status != 201 || string(w.Body) != "hi" {
		t.Errorf("%d, %q, %v", w.Status, w.Body, err)
	}
}

// TestAHeadInPieces is put together, within bounds.
func TestAHeadInPieces(t *testing.T) {
	const text = "HTTP/1.1 200 OK\r\nServer: s\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
	for size := 1; size <= len(text); size++ {
		var a answer
		k := keeper{limit: 10}
		var over bool
		for rest := []byte(text); len(rest) > 0; rest = rest[min(size, len(rest)):] {
			var err error
			if over, err = a.take(time.Time{}, rest[:min(size, len(rest))], &k); err != nil {
				t.Fatal(err)
			}
		}
		if !over || !a.keep || k.Status != 200 || k.server != "s" || string(k.Whole.Body) != "hi" {
			t.Errorf("in pieces of %d: over %v, kept %v, %+v", size, over, a.keep, k)
		}
	}
	var a answer
	long := []byte("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", headSize) + "\r\n\r\n")
	if _, err := a.take(time.Time{}, long, &keeper{}); !errors.Is(err, errHeadSize) {
		t.Errorf("a long head: %v", err)
	}
	a = answer{}
	if _, err := a.take(time.Time{}, long[:len(long)-4], &keeper{}); !errors.Is(err, errHeadSize) {
		t.Errorf("a long head without an end: %v", err)
	}
}

// TestEveryoneGetsTheirOwnAnswer, also where connections come and go and their
// descriptors are used again.
func TestEveryoneGetsTheirOwnAnswer(t *testing.T) {
	target := served(t, func(w http.ResponseWriter, r *http.Request) {
		half := len(r.URL.Path) / 2
		io.WriteString(w, r.URL.Path[:half])
		w.(http.Flusher).Flush()
		if strings.HasSuffix(r.URL.Path, "9") {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, r.URL.Path[half:])
	})
	p := newPool(t, target, Options{})
	defer p.Close()
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 100 {
				c, err := p.Get(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				path := fmt.Sprintf("/%d/%d", g, i)
				ctx, cancel := context.WithCancel(t.Context())
				w := &watched{keeper: keeper{limit: 100}}
				if i%7 == 0 {
					w.onPiece = cancel
				}
				_, err = c.Do(ctx, posting(path, []byte("{}")), w)
				cancel()
				whole := string(w.keeper.Whole.Body)
				if !strings.HasPrefix(path, whole) || err == nil && whole != path {
					t.Errorf("%s got %q, %v", path, whole, err)
				}
			}
		})
	}
	all.Wait()
}
