package proxy

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"tokenomics/internal/record"
)

func TestUsageIsAskedForAndTakenOut(t *testing.T) {
	var got atomic.Value
	e := engine(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got.Store(string(b))
		if int64(len(b)) != r.ContentLength {
			t.Errorf("Content-Length %d for %d bytes", r.ContentLength, len(b))
		}
		if strings.Contains(string(b), `"include_usage":true`) {
			sse(w, tokenEvent, finishEvent, usageEvent, "[DONE]")
		} else {
			sse(w, tokenEvent, finishEvent, "[DONE]")
		}
	})
	plain := "data: " + tokenEvent + "\n\ndata: " + finishEvent + "\n\ndata: [DONE]\n\n"
	asked := `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`
	for _, tt := range []struct {
		usage            Usage
		body, sent, want string
		source           record.TokenSource
	}{
		{UsageObserve, streaming, streaming, plain, record.SourceEvents},
		{UsageFinal, streaming, asked, plain, record.SourceUsage},
		{UsageAuto, streaming, asked, plain, record.SourceUsage},
		{UsageAuto, asked, asked, strings.Replace(plain, "data: [DONE]", "data: "+usageEvent+"\n\ndata: [DONE]", 1), record.SourceUsage},
		{UsageFinal, `{"stream":true,`, `{"stream":true,`, plain, record.SourceEvents},
	} {
		p := start(t, e.URL, func(c *Config) { c.Usage = tt.usage })
		p.knows(t)
		_, body := post(t, p.url+chat, tt.body)
		if body != tt.want || got.Load() != tt.sent {
			t.Errorf("%s: engine got %s, client got %q", tt.usage, got.Load(), body)
		}
		r := p.records.next(t)
		if r.Outcome != record.Complete || r.Usage.Source != tt.source || r.Provider != "vllm" {
			t.Errorf("%s: %s, %+v, %s", tt.usage, r.Outcome, r.Usage, r.Provider)
		}
		p.records.none(t)
	}
}

func TestEveryAnswerPassesAsItIs(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 1<<16)
	e := engine(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/echo":
			w.Header().Set("X-Got", fmt.Sprint(r.ContentLength, r.TransferEncoding, r.Header.Get("Expect")))
			w.Write(body)
		case "/empty":
			w.Header().Set("Content-Length", "0")
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/304":
			w.Header().Set("Etag", "x")
			w.WriteHeader(http.StatusNotModified)
		case "/head":
			w.Header().Set("Content-Length", "123")
		case "/closing":
			w.Header().Set("Connection", "close")
			io.WriteString(w, "bye")
		case "/target":
			io.WriteString(w, r.RequestURI)
		default:
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, "no")
		}
	})
	p := start(t, e.URL, nil)
	for _, tt := range []struct {
		method, path, body string
		chunked            bool
		status             int
		want               string
		length             int64
	}{
		{"POST", "/echo", large, false, 200, large, -2},
		{"POST", "/echo", large, true, 200, large, -2},
		{"PUT", "/echo", "x", false, 200, "x", 1},
		{"DELETE", "/echo", "", false, 200, "", 0},
		{"GET", "/empty", "", false, 200, "", 0},
		{"GET", "/204", "", false, 204, "", 0},
		{"GET", "/304", "", false, 304, "", -2},
		{"HEAD", "/head", "", false, 200, "", 123},
		{"GET", "/closing", "", false, 200, "bye", 3},
		{"GET", "/target?a=%2F&b=c%20d//..//e", "", false, 200, "/target?a=%2F&b=c%20d//..//e", -2},
		{"GET", "/other", "", false, 418, "no", 2},
		{"POST", chat, "not json", false, 418, "no", 2},
		{"POST", chat, large, true, 418, "no", 2},
	} {
		var body io.Reader = strings.NewReader(tt.body)
		if tt.chunked {
			body = struct{ io.Reader }{body}
		} else if tt.body == "" {
			body = nil
		}
		req, err := http.NewRequest(tt.method, p.url+tt.path, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("%s %s: %v", tt.method, tt.path, err)
			continue
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != tt.status || string(got) != tt.want || tt.length != -2 && resp.ContentLength != tt.length {
			t.Errorf("%s %s: %d, %d bytes, length %d, %v", tt.method, tt.path, resp.StatusCode, len(got), resp.ContentLength, err)
		}
		r := p.records.next(t)
		if r.Status != tt.status || r.RequestBytes != int64(len(tt.body)) || r.ResponseBytes != int64(len(tt.want)) {
			t.Errorf("%s %s: Record has status %d, %d and %d bytes", tt.method, tt.path, r.Status, r.RequestBytes, r.ResponseBytes)
		}
		if r.Endpoint == "" && r.Outcome != record.Complete && tt.status < 400 {
			t.Errorf("%s %s: %s %s", tt.method, tt.path, r.Outcome, r.Error)
		}
		if strings.HasPrefix(tt.path, chat) && len(r.Warnings) == 0 {
			t.Errorf("%s with %d bytes: no warning about its body", tt.path, len(tt.body))
		}
	}
	p.records.none(t)
}

func TestHeaders(t *testing.T) {
	var got http.Header
	var host string
	e := engine(t, func(w http.ResponseWriter, r *http.Request) {
		got, host = r.Header.Clone(), r.Host
		w.Header().Set("X-Answer", "1")
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Set("Keep-Alive", "timeout=5")
		io.WriteString(w, "{}")
	})
	p := start(t, e.URL, nil)
	req, _ := http.NewRequest("POST", p.url+chat, strings.NewReader("{}"))
	req.Host = "api.example"
	for k, v := range map[string]string{"Authorization": "Bearer k", "Connection": "X-Hop", "X-Hop": "1", "X-Kept": "2", "TE": "trailers", "X-Request-Id": "mine", "User-Agent": "ua", "Traceparent": "client's"} {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if host != "api.example" {
		t.Errorf("host %q", host)
	}
	for k, want := range map[string]string{"Authorization": "Bearer k", "X-Kept": "2", "X-Request-Id": "mine", "User-Agent": "ua", "X-Hop": "", "Te": "", "Via": "", "X-Forwarded-For": "", "Traceparent": "client's"} {
		if v := got.Get(k); v != want {
			t.Errorf("the engine got %s: %q, want %q", k, v, want)
		}
	}
	if c := resp.Header.Values("Set-Cookie"); len(c) != 2 || resp.Header.Get("X-Answer") != "1" || resp.Header.Get("Keep-Alive") != "" || resp.Header.Get("Server") != "uvicorn" {
		t.Errorf("the client got %v", resp.Header)
	}
	if r := p.records.next(t); r.RequestID != "mine" {
		t.Errorf("request id %q", r.RequestID)
	}
}

func TestTraceparent(t *testing.T) {
	var got atomic.Value
	e := engine(t, func(w http.ResponseWriter, r *http.Request) {
		got.Store(strings.Join(r.Header.Values("Traceparent"), ","))
		io.WriteString(w, "{}")
	})
	tr := record.Trace{TraceID: [16]byte{1}, Client: [8]byte{2}, Sampled: true}
	p := start(t, e.URL, func(c *Config) { c.Tracer = fixedTracer{tr} })
	req, _ := http.NewRequest("POST", p.url+chat, strings.NewReader("{}"))
	req.Header["traceparent"] = []string{"00-11111111111111111111111111111111-2222222222222222-00"}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got.Load() != tr.Traceparent() {
		t.Errorf("the engine got %q, want our child %q", got.Load(), tr.Traceparent())
	}
	if r := p.records.next(t); r.Trace != tr {
		t.Errorf("the Record has %+v", r.Trace)
	}
}

type fixedTracer struct{ record.Trace }

func (f fixedTracer) Begin(traceparent, _ string) record.Trace {
	if traceparent == "" {
		return record.Trace{}
	}
	return f.Trace
}
