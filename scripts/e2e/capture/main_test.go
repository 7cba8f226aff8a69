package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// engine answers one request with the given writes, each only after the reader
// of the one before has been seen to have it.
func engine(t *testing.T, writes ...string) (host string, seen <-chan []byte, next chan<- struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got, step := make(chan []byte, 1), make(chan struct{}, len(writes))
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		buf := make([]byte, 64<<10)
		n, err := conn.Read(buf) // one write of the recorder's: one read
		if err != nil {
			return
		}
		got <- buf[:n]
		for _, w := range writes {
			<-step
			if _, err := io.WriteString(conn, w); err != nil {
				return
			}
		}
	}()
	return l.Addr().String(), got, step
}

func TestRecordKeepsBytesAndReads(t *testing.T) {
	writes := []string{
		"HTTP/1.1 200 OK\r\nX-Odd: 1\r\ntransfer-encoding: chunked\r\n\r\n",
		"5\r\nhello\r\n",
		"0\r\n\r\n",
	}
	host, seen, next := engine(t, writes...)
	for range writes {
		next <- struct{}{} // one after another; how TCP joins them is its own affair
	}
	s := scenario{name: "greeting", note: "a chunk", method: http.MethodPost, path: "/x", headers: []string{"X-Mine: 2"}, body: `{"a":1}`, status: 200, want: []string{"hello"}}
	x, err := record(t.Context(), host, s, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Join(writes, ""); string(x.response) != want {
		t.Errorf("response %q, want %q", x.response, want)
	}
	want := "POST /x HTTP/1.1\r\nHost: engine\r\nUser-Agent: tokenomics-capture\r\nAccept: */*\r\nX-Mine: 2\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}"
	if got := <-seen; string(got) != want || !bytes.Equal(got, x.request) {
		t.Errorf("sent %q, want %q, noted %q", got, want, x.request)
	}
	if err := x.check(s); err != nil || x.status != 200 || string(x.body) != "hello" {
		t.Errorf("status %d, body %q, check: %v", x.status, x.body, err)
	}
	file, err := x.archive(config{cases: "vllm-forced", version: "1", command: "vllm serve"}, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := whole(file); err != nil {
		t.Errorf("%v in\n%s", err, file)
	}
	if !bytes.HasPrefix(file, []byte("-- about --\nengine: vllm\nversion: 1\n")) {
		t.Errorf("about is not as documented:\n%s", file)
	}
}

func TestRecordGivesUpWhenTheEngineStalls(t *testing.T) {
	host, seen, next := engine(t, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe", "never")
	next <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := record(ctx, host, scenario{method: http.MethodGet, path: "/"}, time.Minute)
		failed <- err
	}()
	<-seen // connected, asked, and no more than half an answer will come
	cancel()
	if err := <-failed; err == nil {
		t.Error("half a response was taken for a whole one")
	}
}

// TestRecordAsksAnotherMeanwhile: the first answer ends only once the other
// request has come.
func TestRecordAsksAnotherMeanwhile(t *testing.T) {
	asked := make(chan struct{})
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/other" {
			close(asked)
			return
		}
		for { // until its bytes made enough reads, however TCP joins them
			select {
			case <-asked:
				return
			case <-time.After(time.Millisecond):
				_, _ = io.WriteString(w, "token ") // the recorder's error tells
				w.(http.Flusher).Flush()
			}
		}
	}))
	defer engine.Close()
	other := scenario{method: http.MethodGet, path: "/other"}
	s := scenario{method: http.MethodGet, path: "/stream"}.meanwhile(other)
	x, err := record(t.Context(), engine.Listener.Addr().String(), s, time.Minute)
	if err != nil || !bytes.HasPrefix(x.body, []byte("token ")) {
		t.Errorf("%+v, %v", x, err)
	}
	// An answer in one piece is over before anything could be asked beside it.
	brief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer brief.Close()
	if _, err := record(t.Context(), brief.Listener.Addr().String(), s, time.Minute); err == nil {
		t.Error("nothing was asked meanwhile, and nobody said so")
	}
}

func TestAddLeavesWhatIsThere(t *testing.T) {
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"probs":[],"prompt_tokens":1}`) // the recorder's error tells
	}))
	defer engine.Close()
	out := t.TempDir()
	file := filepath.Join(out, "classify.txtar")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, flag string
		kept       bool
	}{{"added", "-add", true}, {"made anew", "-add=false", false}} {
		var problem bytes.Buffer
		if code := run(t.Context(), []string{c.flag, "-cases", "vllm-classify", "-base", engine.URL, "-out", out}, io.Discard, &problem); code != 0 {
			t.Fatalf("%s: %s", c.name, problem.String())
		}
		got, err := os.ReadFile(file)
		if err != nil || (string(got) == "old") != c.kept {
			t.Errorf("%s: %.50q, %v", c.name, got, err)
		}
	}
}

func TestCheckTellsWhatIsMissing(t *testing.T) {
	x := &exchange{body: []byte("data: [DONE]\n\n")}
	if err := x.check(scenario{want: []string{"usage"}}); err == nil {
		t.Error("a body without what it must have passed")
	}
	if err := x.check(scenario{wantNot: []string{"[DONE]"}}); err == nil {
		t.Error("a body with what it must not have passed")
	}
}

func TestArchiveRefusesWhatTxtarCannotHold(t *testing.T) {
	for _, x := range []exchange{
		{response: []byte("HTTP/1.1 200 OK\r\n\r\na\n-- reads --\n")},
		{request: []byte("-- x --\n")},
	} {
		if _, err := x.archive(config{}, scenario{}); err == nil {
			t.Errorf("archived %q %q", x.request, x.response)
		}
	}
	if _, err := (&exchange{}).archive(config{command: "a\nb"}, scenario{}); err == nil {
		t.Error("a value of two lines was archived")
	}
}

// The captures in the tree must be whole, and tell nothing of the machine they
// were made on.
func TestCapturesInTheTreeAreWhole(t *testing.T) {
	files, err := filepath.Glob("../../../internal/wire/testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("finding captures: %d, %v", len(files), err)
	}
	for _, name := range files {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := whole(file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, private := range []string{"/tmp/", "/root/", "/home/"} {
			if bytes.Contains(file, []byte(private)) {
				t.Errorf("%s has %q in it", name, private)
			}
		}
	}
}

// whole says what is wrong with a capture: lengths that about states must be
// there, and the reads must add up to the response, in order of time.
func whole(file []byte) error {
	parts := map[string]string{}
	for _, f := range txtar.Parse(file).Files {
		parts[f.Name] = string(f.Data)
	}
	about := map[string]string{}
	for line := range strings.Lines(parts["about"]) {
		if k, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); ok {
			about[k] = v
		}
	}
	for _, part := range []string{"request", "response"} {
		n, err := strconv.Atoi(about[part+"_bytes"])
		if err != nil || len(parts[part]) != n+1 {
			return fmt.Errorf("%s has %d bytes, about says %q and one newline more is to be there", part, len(parts[part]), about[part+"_bytes"])
		}
	}
	sum, last := 0, int64(0)
	for line := range strings.Lines(parts["reads"]) {
		var at int64
		var n int
		if _, err := fmt.Sscanf(line, "%d %d\n", &at, &n); err != nil || at < last || n < 1 {
			return fmt.Errorf("a read that cannot be: %q", line)
		}
		sum, last = sum+n, at
	}
	if strconv.Itoa(sum) != about["response_bytes"] {
		return fmt.Errorf("reads add up to %d, about says %s", sum, about["response_bytes"])
	}
	return nil
}
