package proxy

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/upstream"
)

func TestDrain(t *testing.T) {
	for _, tt := range []struct {
		name    string
		finish  bool
		outcome record.Outcome
	}{{"finishes in time", true, record.Complete}, {"does not", false, record.Timeout}} {
		begun, release := make(chan struct{}), make(chan struct{})
		e := engine(t, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			sse(w, tokenEvent)
			close(begun)
			select {
			case <-release:
				sse(w, finishEvent, "[DONE]")
			case <-r.Context().Done():
			}
		})
		target, _ := upstream.ParseTarget(e.URL)
		got := newRecords()
		p, err := New(Config{Upstream: target, Sink: got, Usage: UsageObserve, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ln, _ := net.Listen("tcp", "127.0.0.1:0")
		served := make(chan error, 1)
		go func() { served <- p.Serve(ln) }()
		answer := make(chan error, 1)
		go func() {
			resp, err := http.Post("http://"+ln.Addr().String()+chat, "application/json", strings.NewReader(streaming))
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			answer <- err
		}()
		await(t, begun, "the stream to begin")
		limit := patience
		if !tt.finish {
			limit = time.Millisecond
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		stopped := make(chan error, 1)
		go func() { stopped <- p.Shutdown(ctx) }()
		eventually(t, "the listener to close", func() bool {
			c, err := net.Dial("tcp", ln.Addr().String())
			if err == nil {
				c.Close()
			}
			return err != nil
		})
		if tt.finish {
			close(release)
		}
		err = <-stopped
		cancel()
		if (err == nil) != tt.finish {
			t.Errorf("%s: Shutdown says %v", tt.name, err)
		}
		if err := <-answer; (err == nil) != tt.finish {
			t.Errorf("%s: the client got %v", tt.name, err)
		}
		if r := got.next(t); r.Outcome != tt.outcome {
			t.Errorf("%s: outcome %s", tt.name, r.Outcome)
		}
		if err := <-served; err != nil {
			t.Errorf("%s: serving: %v", tt.name, err)
		}
	}
}

func TestReadyz(t *testing.T) {
	e := engine(t, func(http.ResponseWriter, *http.Request) {})
	p := start(t, e.URL, func(c *Config) { c.Usage = UsageAuto })
	p.knows(t)
	admin := p.Admin(nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go admin.Serve(ln)
	defer admin.Shutdown()
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": `"engine":"vllm 0.1"`, "/metrics": "not found"} {
		resp, err := http.Get("http://" + ln.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(string(b), want) {
			t.Errorf("%s: %s", path, b)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
