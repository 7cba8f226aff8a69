package proxy

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/upstream"
)

// ways are what the bytes travel over, on either side of the proxy.
var ways = []struct {
	name           string
	client, engine string
}{
	{"TLS to the client", "tls", "tcp"},
	{"TLS to the engine", "tcp", "tls"},
	{"TLS on both sides", "tls", "tls"},
	{"a unix socket to the client", "unix", "tcp"},
	{"a unix socket to the engine", "tcp", "unix"},
	{"unix sockets on both sides", "unix", "unix"},
}

// over is a proxy between a client and an engine of the given kinds, and how to
// connect to it.
func over(t *testing.T, client, engine string, handler http.HandlerFunc) (p *running, dial func() net.Conn) {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if engine == "unix" {
		s.Listener.Close()
		s.Listener = listenOn(t, "unix")
	}
	if engine == "tls" {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	url := s.URL
	if engine == "unix" {
		url = "unix:" + s.Listener.Addr().String()
	}
	p = start(t, url, func(c *Config) { c.Upstream.TLS = upstream.TrustAnybody() })
	ln := listenOn(t, client)
	addr := ln.Addr().String()
	signer := httptest.NewUnstartedServer(nil)
	signer.StartTLS() // for its certificate
	signer.Close()
	roots := x509.NewCertPool()
	roots.AddCert(signer.Certificate())
	if client == "tls" {
		ln = tls.NewListener(ln, &tls.Config{Certificates: signer.TLS.Certificates})
	}
	go p.Serve(ln) // Shutdown ends it
	return p, func() net.Conn {
		t.Helper()
		var (
			c   net.Conn
			err error
		)
		switch client {
		case "tls":
			c, err = tls.Dial("tcp", addr, &tls.Config{RootCAs: roots})
		case "unix":
			c, err = net.Dial("unix", addr)
		default:
			c, err = net.Dial("tcp", addr)
		}
		if err == nil {
			err = c.SetDeadline(time.Now().Add(patience))
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
}

func listenOn(t *testing.T, kind string) net.Listener {
	t.Helper()
	network, addr := "tcp", "127.0.0.1:0"
	if kind == "unix" {
		network, addr = "unix", filepath.Join(t.TempDir(), "s")
	}
	ln, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// TestAClientThatLeavesIsToldOverEveryWay: in all three phases, with a proper
// goodbye or without, bytes waiting behind the request or not.
func TestAClientThatLeavesIsToldOverEveryWay(t *testing.T) {
	for _, way := range ways {
		for _, tt := range []struct {
			name, body, sees string // sees: what the client has read before it leaves
			begin            func(w http.ResponseWriter)
		}{
			{"waiting for an answer in one piece", `{"model":"m"}`, "", func(http.ResponseWriter) {}},
			{"before the first token", streaming, "event-stream", func(w http.ResponseWriter) { sse(w); w.(http.Flusher).Flush() }},
			{"mid-stream", streaming, `"content":"x"`, func(w http.ResponseWriter) { sse(w, tokenEvent) }},
		} {
			for _, goodbye := range []bool{true, false} {
				for _, behind := range []string{"", "GET /next HTTP/1.1\r\nHost: h\r\n\r\n"} {
					t.Run(fmt.Sprintf("%s, %s, goodbye %v, behind it %.8q", way.name, tt.name, goodbye, behind), func(t *testing.T) {
						t.Parallel()
						begun, gone := make(chan struct{}), make(chan struct{})
						p, dial := over(t, way.client, way.engine, func(w http.ResponseWriter, r *http.Request) {
							io.Copy(io.Discard, r.Body)
							if r.URL.Path != chat {
								return // it is asked what it is
							}
							tt.begin(w)
							close(begun)
							<-r.Context().Done()
							close(gone)
						})
						c := dial()
						io.WriteString(c, withBody(jsonHead, tt.body)+behind)
						await(t, begun, "the engine's start")
						for seen, b := "", make([]byte, 4096); !strings.Contains(seen, tt.sees); {
							n, err := c.Read(b)
							if err != nil {
								t.Fatalf("the client read %q and %v", seen, err)
							}
							seen += string(b[:n])
						}
						leave(c, goodbye)
						await(t, gone, "the engine to learn that the client has gone")
						if r := p.records.next(t); r.Outcome != record.ClientAbort {
							t.Errorf("the Record says %s %s", r.Outcome, r.Error)
						}
						eventually(t, "no request to run", func() bool { return p.live.Active.Load() == 0 })
						p.records.none(t)
					})
				}
			}
		}
	}
}

// leave closes a connection, over TLS with or without saying so first.
func leave(c net.Conn, goodbye bool) {
	if secure, ok := c.(*tls.Conn); ok && !goodbye {
		c = secure.NetConn()
	}
	c.Close()
}

// TestAClientThatStaysIsServedOverEveryWay: what it sends ahead is answered in
// order, on connections that are kept on both sides.
func TestAClientThatStaysIsServedOverEveryWay(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			p, dial := over(t, way.client, way.engine, func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				io.WriteString(w, r.URL.Path+string(b))
			})
			c := dial()
			br := bufio.NewReader(c)
			for range 3 {
				io.WriteString(c, withBody("POST /a HTTP/1.1\r\nHost: h\r\n", "1")+"GET /b HTTP/1.1\r\nHost: h\r\n\r\n"+
					"POST /c HTTP/1.1\r\nHost: h\r\n"+chunked+"\r\n1\r\n2\r\n0\r\n\r\n")
				for _, want := range []string{"/a1", "/b", "/c2"} {
					resp, err := http.ReadResponse(br, nil)
					if err != nil {
						t.Fatal(err)
					}
					if b, err := io.ReadAll(resp.Body); string(b) != want || err != nil {
						t.Errorf("got %q and %v, want %q", b, err, want)
					}
					if r := p.records.next(t); r.Outcome != record.Complete || r.Retries != 0 {
						t.Errorf("%s: the Record says %s, %d retries", want, r.Outcome, r.Retries)
					}
				}
			}
			if s := p.connections(); s.Reused == 0 {
				t.Errorf("no connection to the engine was used twice: %+v", s)
			}
		})
	}
}

// TestPlainHTTPToATLSPort is answered in plain HTTP; what is neither, not at all.
func TestPlainHTTPToATLSPort(t *testing.T) {
	p, dial := over(t, "tls", "tcp", func(http.ResponseWriter, *http.Request) {})
	addr := dial().RemoteAddr().String()
	for sent, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: h\r\n\r\n": "HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\nThis port speaks TLS: use https://\n",
		"\x00\x01\x02\x03\x04\x05\x06":      "",
	} {
		c := dialRaw(t, addr)
		c.send(t, sent)
		if got, _ := c.ends(t, "the connection"); got != want {
			t.Errorf("%q got %q", sent, got)
		}
	}
	if n := p.live.Requests.Load(); n != 0 {
		t.Errorf("%d requests were counted", n)
	}
}
