package proxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tokenomics/internal/record"
)

// TestEdgeLines: who stands in between is said only where that is asked for,
// and what an earlier proxy said of the client is kept.
func TestEdgeLines(t *testing.T) {
	const own = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nVia: 1.0 other\r\n"
	for name, c := range map[string]struct {
		edit          func(*Config)
		want, wantNot []string
		answerVia     bool
	}{
		"nothing":   {func(*Config) {}, []string{"X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "Via: 1.0 other"}, []string{"Via: 1.1 tokenomics"}, false},
		"via":       {func(c *Config) { c.Via = true }, []string{"Via: 1.0 other", "Via: 1.1 tokenomics"}, nil, true},
		"forwarded": {func(c *Config) { c.Forwarded = true }, []string{"X-Forwarded-For: 192.0.2.1, 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: h"}, []string{"X-Forwarded-Proto: https"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := listenRaw(t)
			p := startFor(t, e.url, 1, c.edit)
			client := dialRaw(t, p.addr)
			client.send(t, "GET /x HTTP/1.1\r\nHost: h\r\n"+own+"\r\n")
			u := e.accept(t)
			got := u.wantRequest(t).lines
			for _, want := range c.want {
				if !slices.Contains(got, want) {
					t.Errorf("no %q in %q", want, got)
				}
			}
			for _, not := range c.wantNot {
				if slices.Contains(got, not) {
					t.Errorf("%q in %q", not, got)
				}
			}
			u.send(t, "HTTP/1.1 204 No Content\r\n\r\n")
			if m := client.wantAnswer(t, "GET"); slices.Contains(m.lines, "Via: 1.1 tokenomics") != c.answerVia {
				t.Errorf("the answer's lines: %q", m.lines)
			}
		})
	}
}

// TestAbortSGLang: when a client leaves, SGLang is also told by name which
// request to give up, with the client's own key; without the flag it is not.
func TestAbortSGLang(t *testing.T) {
	const id = "0af7651916cd43dd8448eb211c80319c"
	event := strings.Replace(tokenEvent, `"id":"a"`, `"id":"`+id+`"`, 1)
	for _, on := range []bool{true, false} {
		t.Run(fmt.Sprint(on), func(t *testing.T) {
			told := make(chan *http.Request, 4)
			e := engine(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/abort_request" {
					var body struct{ RID string }
					if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
						t.Error(err)
					}
					r.Header.Set("RID", body.RID)
					told <- r
					return
				}
				sse(w, event)
				<-r.Context().Done()
			})
			p := start(t, e.URL, func(c *Config) { c.AbortSGLang = on })
			c := dialRaw(t, p.addr)
			c.send(t, strings.Replace(withBody(jsonHead, streaming), "\r\n\r\n", "\r\nAuthorization: Bearer of-the-client\r\n\r\n", 1))
			m, err := c.head()
			if err != nil {
				t.Fatal(err)
			}
			body, err := m.open(c.br, "close")
			if err != nil {
				t.Fatal(err)
			}
			body.expect(t, "data: "+event)
			c.leave(t, "FIN")
			p.records.next(t)
			if !on {
				if p.aborter != nil {
					t.Error("there is somebody to tell the engine")
				}
				return
			}
			r := <-told
			if r.Method != "POST" || r.Header.Get("RID") != id || r.Header.Get("Authorization") != "Bearer of-the-client" {
				t.Errorf("%s %s of %q, authorization %q", r.Method, r.URL, r.Header.Get("RID"), r.Header.Get("Authorization"))
			}
		})
	}
}

// TestAnIdThatBeginsAnothersIsNotTold: SGLang would abort both.
func TestAnIdThatBeginsAnothersIsNotTold(t *testing.T) {
	for id, want := range map[string]bool{
		"0af7651916cd43dd8448eb211c80319c":          true,
		"0AF76519-16cd-43dd-8448-eb211c80319c":      true,
		"chatcmpl-0af7651916cd43dd8448eb211c80319c": true,
		"0af7651916cd43dd8448eb211c80319":           false,
		"a":                                         false,
		"":                                          false,
		"----------------------------------------------": false,
		"a-conversation-of-many-words-and-its-number-1":  false,
		"0af7651916cd43dd8448eb211c80319c_1":             false,
	} {
		if unique(id) != want {
			t.Errorf("%q is unique: %v", id, !want)
		}
	}
}

// TestShutdownTwice ends it once, and fails no second time.
func TestShutdownTwice(t *testing.T) {
	e := listenRaw(t)
	p := start(t, e.url, func(c *Config) { c.AbortSGLang = true })
	for range 2 {
		if err := p.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestNoPropagation: with NoPropagation the engine gets the client's
// own traceparent and no other.
func TestNoPropagation(t *testing.T) {
	const theirs = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, off := range []bool{false, true} {
		e := listenRaw(t)
		p := startFor(t, e.url, 1, func(c *Config) {
			c.Tracer, c.NoPropagation = fixedTracer{record.Trace{TraceID: [16]byte{1}, Client: [8]byte{2}}}, off
		})
		client := dialRaw(t, p.addr)
		client.send(t, "GET /x HTTP/1.1\r\nHost: h\r\n"+theirs+"\r\n\r\n")
		u := e.accept(t)
		if got := slices.Contains(u.wantRequest(t).lines, theirs); got != off {
			t.Errorf("propagation off %v: the client's own line arrived %v", off, got)
		}
		u.send(t, "HTTP/1.1 204 No Content\r\n\r\n")
		client.wantAnswer(t, "GET")
		if r := p.records.next(t); !r.Trace.On() {
			t.Error("the Record has no trace")
		}
	}
}
