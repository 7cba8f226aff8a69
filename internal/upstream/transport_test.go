package upstream

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// secureEngine is a server with TLS that says which protocol was agreed on and
// for what Host it was asked, and the file with its certificate's signer.
func secureEngine(t *testing.T) (s *httptest.Server, caFile string) {
	t.Helper()
	s = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.TLS.NegotiatedProtocol+" "+r.Host)
	}))
	s.TLS = &tls.Config{NextProtos: []string{"h2", "http/1.1"}} // it would rather have the other
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	writeFile(t, caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	return s, caFile
}

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTLS(t *testing.T) {
	s, caFile := secureEngine(t)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	trusted, err := TrustOnly(caFile)
	if err != nil {
		t.Fatal(err)
	}
	// The test server's certificate is for 127.0.0.1 and example.com.
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	tests := []struct {
		name   string
		url    string
		config *tls.Config
		hint   string // in the error; "" = it works
	}{
		{"its signer is trusted", s.URL, trusted, ""},
		{"anybody is trusted", s.URL, TrustAnybody(), ""},
		{"the system's roots", s.URL, nil, "--upstream-ca FILE"},
		{"another name", "https://localhost:" + port, trusted, "use a name in the URL that the certificate is for"},
		{"another name, anybody", "https://localhost:" + port, TrustAnybody(), ""},
		{"no TLS there", "https" + strings.TrimPrefix(plain.URL, "http"), trusted, "write http://"},
	}
	for _, tt := range tests {
		target, err := ParseTarget(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		target.TLS = tt.config
		p := newPool(t, target, Options{DialTimeout: 10 * time.Second})
		c, err := p.Get(t.Context())
		if tt.hint != "" {
			if err == nil || !strings.Contains(err.Error(), tt.hint) || !strings.Contains(err.Error(), target.Addr) || p.Stats().Open != 0 {
				t.Errorf("%s: error %v does not say %q", tt.name, err, tt.hint)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		for range 2 { // also over a connection that was idle
			if body, err := ask(c); body != "http/1.1 h" || err != nil {
				t.Errorf("%s: %q, %v", tt.name, body, err)
			}
			if c, err = p.Get(t.Context()); err != nil || !c.Reused() {
				t.Fatalf("%s: not reused, %v", tt.name, err)
			}
		}
		if _, ok := c.socket.Raw().(*tls.Conn); !ok {
			t.Errorf("%s: the connection is a %T", tt.name, c.socket.Raw())
		}
		c.Close()
		p.Close()
	}
}

func TestTrustOnlyRefuses(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	writeFile(t, empty, []byte("nothing"))
	for file, hint := range map[string]string{empty: "BEGIN CERTIFICATE", "/no/such.pem": "/no/such.pem"} {
		if _, err := TrustOnly(file); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("%s: error %v does not say %q", file, err, hint)
		}
	}
}

// TestATLSEngineThatClosedIsNotTakenForAlive: its goodbye waits on the socket
// before the end of the stream does.
func TestATLSEngineThatClosedIsNotTakenForAlive(t *testing.T) {
	s, _ := secureEngine(t)
	target, err := ParseTarget(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	target.TLS = TrustAnybody()
	p := newPool(t, target, Options{IdleTimeout: time.Hour})
	defer p.Close()
	c, err := p.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask(c); err != nil {
		t.Fatal(err)
	}
	s.CloseClientConnections()
	for deadline := time.Now().Add(10 * time.Second); c.socket.alive(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a closed connection is taken for alive")
		}
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.sock")
	target, err := ParseTarget("unix:" + path + ":/prefix")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewPool(target, Options{}).Get(t.Context()); err == nil || !strings.Contains(err.Error(), "no such file or directory: start the engine") {
		t.Errorf("nobody there: %v", err)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"data":[{"id":"`+r.Host+r.URL.Path+`","owned_by":"vllm"}]}`)
	}))
	s.Listener.Close()
	s.Listener = ln
	s.Start()
	e, err := Fingerprint(t.Context(), target, "")
	if err != nil || e.Name != "vllm" || len(e.Models) != 1 || e.Models[0] != "localhost/prefix/v1/models" {
		t.Errorf("%+v, %v", e, err)
	}
	p := newPool(t, target, Options{})
	for want := range 2 {
		c, err := p.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		raw := c.socket.Raw() // nil where a loop reads it
		if _, plain := raw.(*net.UnixConn); raw != nil && !plain || c.Reused() != (want == 1) {
			t.Errorf("%T, reused %v", raw, c.Reused())
		}
		if _, err := ask(c); err != nil {
			t.Error(err)
		}
	}
	p.Close()
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	s.Close()
	if _, err := p.Get(t.Context()); err == nil || !strings.Contains(err.Error(), "left of an engine that has ended") {
		t.Errorf("a socket without an engine: %v", err)
	}
}

// gathering is a connection of which the writes go out together, when told.
type gathering struct {
	net.Conn
	on   bool
	kept []byte
}

func (g *gathering) Write(p []byte) (int, error) {
	if !g.on {
		return g.Conn.Write(p)
	}
	g.kept = append(g.kept, p...)
	return len(p), nil
}

// TestATLSEngineThatSaidMoreIsNotReused: what came behind an answer in the same
// read waits inside the TLS connection, and would be taken for the next answer.
func TestATLSEngineThatSaidMoreIsNotReused(t *testing.T) {
	s, caFile := secureEngine(t)
	trusted, err := TrustOnly(caFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		behind string
		reused bool
	}{"nothing": {"", true}, "another answer": {"evil", false}} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			go func() {
				conn, err := ln.Accept()
				if err != nil {
					return
				}
				g := &gathering{Conn: conn}
				secure := tls.Server(g, &tls.Config{Certificates: s.TLS.Certificates})
				if _, err := secure.Read(make([]byte, 8)); err != nil {
					return
				}
				g.on = true
				io.WriteString(secure, "answer")
				io.WriteString(secure, c.behind)
				conn.Write(g.kept)
			}()
			p := NewPool(Target{Scheme: "https", Addr: ln.Addr().String(), TLS: trusted}, Options{})
			defer p.Close()
			first, err := p.Take(t.Context(), false)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(first.Raw(), "request")
			b := make([]byte, 64)
			if n, err := first.Raw().Read(b); string(b[:n]) != "answer" {
				t.Fatalf("read %q and %v", b[:n], err)
			}
			first.Release()
			if first.alive() != c.reused {
				t.Errorf("taken for alive: %v", !c.reused)
			}
		})
	}
}
