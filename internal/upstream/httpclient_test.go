package upstream

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestHTTPClient goes the target's way, and trusts whom the target trusts.
func TestHTTPClient(t *testing.T) {
	secure, caFile := secureEngine(t)
	trusted, err := TrustOnly(caFile)
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	local := &httptest.Server{Listener: ln, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Host+r.URL.Path)
	})}}
	local.Start()
	t.Cleanup(local.Close)
	for _, tt := range []struct {
		name, url string
		trusts    bool
		want      string // of the answer, or of the error where it begins with tls:
	}{
		{"https", secure.URL, true, "http/1.1 127.0.0.1:"},
		{"https that nobody vouches for", secure.URL, false, "tls: failed to verify certificate"},
		{"a unix socket", "unix:" + socket + ":/prefix", false, "localhost/prefix/tokenize"},
	} {
		target, err := ParseTarget(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		if tt.trusts {
			target.TLS = trusted
		}
		base, client := target.HTTPClient(10 * time.Second)
		resp, err := client.Get(base + "/tokenize")
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			body, readErr := io.ReadAll(resp.Body)
			resp.Body.Close()
			got, err = string(body), readErr
		}
		client.CloseIdleConnections()
		if !strings.Contains(got, tt.want) || (err != nil) != strings.HasPrefix(tt.want, "tls:") {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}
