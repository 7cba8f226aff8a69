package sim

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// streams is a stream of every kind.
func streams() []asked {
	var all []asked
	seen := map[string]bool{}
	for _, a := range everything() {
		isStream := strings.Contains(a.body, `"stream":true`) || a.path == "/generate_stream" ||
			strings.HasPrefix(a.path, "/api/") && a.endpoint != embeddings && !strings.Contains(a.body, `"stream":false`)
		if isStream && !seen[a.dialect+a.path] {
			seen[a.dialect+a.path] = true
			all = append(all, a)
		}
	}
	return all
}

// lines reports whether the stream is of lines rather than events.
func (a asked) lines() bool { return strings.HasPrefix(a.path, "/api/") }

// received is an answer as a client has it in the end.
type received struct {
	*http.Response
	body    string
	interim int // the status of a 1xx answer before it
	err     error
}

func (e *engine) receive(t *testing.T, path, body string, headers ...string) (r received) {
	t.Helper()
	br := bufio.NewReader(e.dial(t, path, body, headers...))
	for {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatalf("%s %s: %v", path, headers, err)
		}
		if r.Response = resp; resp.StatusCode >= 200 {
			break
		}
		r.interim = resp.StatusCode
	}
	b, err := io.ReadAll(r.Body)
	r.body, r.err = string(b), err
	return r
}

// decoded is the body without its encoding.
func (r received) decoded(t *testing.T) string {
	t.Helper()
	var from io.Reader = strings.NewReader(r.body)
	var err error
	switch r.Header.Get("Content-Encoding") {
	case "":
		return r.body
	case "br":
		from = brotli.NewReader(from)
	case "gzip":
		from, err = gzip.NewReader(from)
	case "zstd":
		from, err = zstd.NewReader(from)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestTransportFaults: however a stream travels, it is the same in the end. So is
// a whole body.
func TestTransportFaults(t *testing.T) {
	all := append(streams(), everything()[0], asked{dialect: "ollama", path: "/api/embed", body: `{"input":"one"}`})
	for _, a := range all {
		cfg := fast(a.dialect)
		cfg.ITL = ConstantDuration(0)
		e := start(t, cfg)
		plain := e.receive(t, a.path, a.body, "X-Request-Id: plain")
		whole := plain.ContentLength >= 0
		size := 0
		for _, ev := range e.truthOf(t, "plain").Events {
			size += ev.Bytes
		}
		if size != len(plain.body) {
			t.Errorf("%s %s: %d bytes in truth, %d received", a.dialect, a.path, size, len(plain.body))
		}
		for fault, check := range map[string]func(r received) bool{
			"split=11":             func(r received) bool { return true },
			"comment=2,split=3":    func(r received) bool { return whole || a.lines() || strings.Count(r.body, "\n\n:\n\n") == 1 },
			"coalesce=3":           func(r received) bool { return true },
			"encode=gzip":          func(r received) bool { return r.Header.Get("Content-Encoding") == "gzip" },
			"encode=br":            func(r received) bool { return r.Header.Get("Content-Encoding") == "br" },
			"encode=zstd,split=9":  func(r received) bool { return r.Header.Get("Content-Encoding") == "zstd" },
			"encode":               func(r received) bool { return r.Header.Get("Content-Encoding") == "" },
			"informational=102":    func(r received) bool { return r.interim == 102 },
			"trailers":             func(r received) bool { return r.Trailer.Get(trailer) == "simulated" },
			"content-length":       func(r received) bool { return r.ContentLength == int64(len(r.body)) },
			"close-delimited":      func(r received) bool { return r.ContentLength == -1 && len(r.TransferEncoding) == 0 },
			"http10":               func(r received) bool { return r.ProtoMinor == 0 && len(r.TransferEncoding) == 0 && r.Close },
			"http10,encode=br":     func(r received) bool { return r.Header.Get("Content-Encoding") == "br" && r.ProtoMinor == 0 },
			"content-length,crlf":  func(r received) bool { return whole || r.ContentLength == int64(len(r.body)) },
			"content-length,split": func(r received) bool { return r.ContentLength == int64(len(r.body)) },
			"content-length,encode=gzip": func(r received) bool {
				return r.ContentLength == int64(len(r.body)) && r.Header.Get("Content-Encoding") == "gzip"
			},
		} {
			r := e.receive(t, a.path, a.body, "X-Request-Id: plain", "X-Sim-Fault: "+fault)
			got := r.decoded(t)
			if strings.Contains(fault, "comment") {
				got = strings.Replace(got, "\n\n:\n\n", "\n\n", 1)
			}
			if strings.Contains(fault, "crlf") {
				got = strings.ReplaceAll(got, "\r\n", "\n")
			}
			if r.err != nil || !check(r) || got != plain.body {
				t.Errorf("%s %s with %s: %v, head %v, body\n%q\nwant\n%q", a.dialect, a.path, fault, r.err, r.Header, got, plain.body)
			}
		}
	}
}

// TestEncodedEventsComeOneByOne: every event can be decoded when it is there.
func TestEncodedEventsComeOneByOne(t *testing.T) {
	e := start(t, fast("vllm"))
	r := e.receive(t, "/v1/chat/completions", chatBody(`,"stream":true`), "X-Sim-Fault: encode", "Accept-Encoding: deflate, br;q=0, gzip")
	if r.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("the head is %v", r.Header)
	}
	// A sync flush ends in an empty stored block.
	if n := bytes.Count([]byte(r.body), []byte{0, 0, 0xff, 0xff}); n < 8 {
		t.Errorf("%d flushes for 8 events", n)
	}
}

// TestBrokenStreams: what breaks a stream breaks it in every dialect, and an error
// is told as the dialect tells it.
func TestBrokenStreams(t *testing.T) {
	errors200 := map[string]string{
		"vllm /v1/chat/completions":     `data: {"error":{"message":"This failure was ordered of the simulator: error-event","type":"InternalServerError","param":null,"code":500}}` + "\n\ndata: [DONE]\n\n",
		"vllm /v1/messages":             "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"internal_error\",\"message\":\"This failure was ordered of the simulator: error-event\"}}\n\n",
		"sglang /v1/chat/completions":   `data: {"error":{"object":"error","message":"This failure was ordered of the simulator: error-event","type":"InternalServerError","param":null,"code":500}}` + "\n\ndata: [DONE]\n\n",
		"sglang /generate":              `data: {"error":{"message":"This failure was ordered of the simulator: error-event","type":"invalid_request_error","code":400,"retryable":false}}` + "\n\ndata: [DONE]\n\n",
		"sglang /v1/messages":           "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"internal_error\",\"message\":\"This failure was ordered of the simulator: error-event\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
		"llamacpp /v1/chat/completions": `data: {"error":{"code":500,"message":"This failure was ordered of the simulator: error-event","type":"server_error"}}` + "\n\n",
		"llamacpp /v1/messages":         "event: error\ndata: {\"code\":500,\"message\":\"This failure was ordered of the simulator: error-event\",\"type\":\"server_error\"}\n\n",
		"ollama /api/chat":              `{"error":"This failure was ordered of the simulator: error-event"}` + "\n",
		"ollama /v1/chat/completions":   `"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}` + "\n\n",
		"tgi /generate_stream":          `data: {"error":"This failure was ordered of the simulator: error-event","error_type":"generation"}` + "\n\n",
		"tgi /v1/chat/completions":      `data: {"error":{"message":"This failure was ordered of the simulator: error-event","http_status_code":422}}` + "\n\ndata: [DONE]\n\n",
	}
	for _, a := range streams() {
		e := start(t, fast(a.dialect))
		plain := e.receive(t, a.path, a.body)
		what := a.dialect + " " + a.path
		if r := e.receive(t, a.path, a.body, "X-Sim-Fault: cut=3"); !errors.Is(r.err, io.ErrUnexpectedEOF) || !strings.HasPrefix(plain.body, r.body) || r.body == "" {
			t.Errorf("%s cut: %v %q", what, r.err, r.body)
		}
		if r := e.receive(t, a.path, a.body, "X-Sim-Fault: cut=3,content-length"); !errors.Is(r.err, io.ErrUnexpectedEOF) {
			t.Errorf("%s cut from its length: %v %q", what, r.err, r.body)
		}
		if r := e.receive(t, a.path, a.body, "X-Sim-Fault: no-done"); r.err != nil || !strings.HasPrefix(plain.body, r.body) || len(r.body) >= len(plain.body) {
			t.Errorf("%s without its end: %v %q", what, r.err, r.body)
		}
		if r := e.receive(t, a.path, a.body, "X-Sim-Fault: garbage=2"); r.err != nil || !strings.Contains(r.body, `{"simulated garbage": [`+"\n") {
			t.Errorf("%s with garbage: %v %q", what, r.err, r.body)
		}
		if r := e.receive(t, a.path, a.body, "X-Sim-Fault: big-event=9000,abort=3"); r.err != nil || len(r.body) < 9000 || len(r.body) > 9000+len(plain.body) {
			t.Errorf("%s with a big event: %v %d bytes", what, r.err, len(r.body))
		}
		r := e.receive(t, a.path, a.body, "X-Sim-Fault: error-event=5")
		if what == "vllm /v1/responses" {
			if !errors.Is(r.err, io.ErrUnexpectedEOF) {
				t.Errorf("%s with an error: %v %q", what, r.err, r.body)
			}
			continue
		}
		if r.err != nil || !strings.HasSuffix(r.body, errors200[what]) || r.StatusCode != 200 {
			t.Errorf("%s with an error: %v %q, want the end %q", what, r.err, r.body, errors200[what])
		}
		for _, tr := range e.truths(t) {
			if len(tr.Faults) == 1 && tr.Faults[0] == "error-event=5" && tr.Outcome != TruthBroken {
				t.Errorf("%s: truth %+v", what, tr)
			}
		}
	}
}
