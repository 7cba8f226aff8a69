package proxy

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
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
	admin := Admin([]*Proxy{p.Proxy}, nil)
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

func TestAFullHouseIsSaidSo(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	e := engine(t, func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-release
	})
	p := start(t, e.URL, func(c *Config) { c.MaxConnections = 1 })
	first := make(chan struct{})
	go func() {
		defer close(first)
		if resp, err := http.Post(p.url+"/x", "", nil); err == nil {
			resp.Body.Close()
		}
	}()
	await(t, begun, "the first request")
	resp, body := post(t, p.url+chat, "{}")
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !strings.Contains(body, `"type":"overloaded"`) {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	if r := p.records.next(t); r.Status != 503 || r.Outcome != record.Error {
		t.Errorf("%s %d", r.Outcome, r.Status)
	}
	close(release)
	await(t, first, "the first answer")
	p.records.next(t)
}

// exhausted is a listener that fails a few times before it accepts.
type exhausted struct {
	net.Listener
	times int
}

func (l *exhausted) Accept() (net.Conn, error) {
	if l.times > 0 {
		l.times--
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

func TestAcceptingGoesOnWithoutDescriptors(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &patient{Listener: &exhausted{ln, 3}, log: slog.New(slog.DiscardHandler)}
	go func() {
		if c, err := net.Dial("tcp", ln.Addr().String()); err == nil {
			c.Close()
		}
	}()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	ln.Close()
	if _, err := l.Accept(); err == nil {
		t.Error("a closed listener accepts")
	}
}
