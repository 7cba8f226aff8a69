package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"tokenomics/internal/sim"
)

// writePair makes a certificate for 127.0.0.1 and writes it and its key.
func writePair(t *testing.T, certFile, keyFile, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// servedBy is the name on the certificate that a server shows, and the
// protocol it agrees on.
func servedBy(t *testing.T, addr string, offers ...string) (name, protocol string) {
	t.Helper()
	if len(offers) == 0 {
		offers = []string{"h2", "http/1.1"}
	}
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: offers})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	state := c.ConnectionState()
	return state.PeerCertificates[0].Subject.CommonName, state.NegotiatedProtocol
}

// launch runs a proxy with exactly these flags until the test ends.
func launch(t *testing.T, admin string, args ...string) (stderr *output, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stderr = new(output)
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"proxy", "--admin", admin}, args...), strings.NewReader(""), io.Discard, stderr)
	}()
	code, stopped := 0, false
	stop = func() int {
		if !stopped {
			stopped = true
			http.DefaultClient.CloseIdleConnections()
			cancel()
			code = <-ended
		}
		return code
	}
	t.Cleanup(func() { stop() })
	waitFor(t, "the proxy to be ready", func() bool {
		select {
		case code = <-ended:
			stopped = true
			t.Fatalf("the proxy ended with %d: %s", code, stderr.String())
		default:
		}
		resp, err := http.Get("http://" + admin + "/readyz")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	})
	return stderr, stop
}

func fastSim(t *testing.T, model string) string {
	return startSim(t, sim.Config{Model: model, TTFT: sim.ConstantDuration(time.Millisecond), ITL: sim.ConstantDuration(time.Millisecond)})
}

// TestProxyTLS: both sides, and a new certificate while a connection is open.
func TestProxyTLS(t *testing.T) {
	engine := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	defer engine.Close()
	dir := t.TempDir()
	ca, cert, key := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: engine.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	writePair(t, cert, key, "first")
	for _, trust := range [][]string{{"--upstream-ca", ca}, {"--upstream-insecure"}} {
		addr := freeAddr(t)
		stderr, stop := launch(t, freeAddr(t), append(trust, "--upstream", engine.URL, "--listen", addr, "--tls-cert", cert, "--tls-key", key)...)
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(readFile(t, cert)))
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
		ask := func() {
			t.Helper()
			resp, err := client.Get("https://" + addr + "/x")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "HTTP/1.1" {
				t.Errorf("%q, %v", b, err)
			}
		}
		ask()
		if name, protocol := servedBy(t, addr); protocol != "http/1.1" || name != "first" {
			t.Errorf("certificate of %q, protocol %q", name, protocol)
		}
		if _, protocol := servedBy(t, addr, "http/1.0"); protocol != "http/1.0" {
			t.Errorf("a client of HTTP/1.0 alone agrees on %q", protocol)
		}
		writePair(t, cert, key, "second")
		waitFor(t, "the new certificate", func() bool { name, _ := servedBy(t, addr); return name == "second" })
		ask() // the open connection goes on: a new one would not trust the new certificate
		client.CloseIdleConnections()
		if code := stop(); code != exitGood || !strings.Contains(stderr.String(), "https://"+addr+" -> "+engine.URL) {
			t.Errorf("exit %d: %s", code, stderr.String())
		}
		if warned := strings.Contains(stderr.String(), "certificates are not checked"); warned != (trust[0] == "--upstream-insecure") {
			t.Errorf("%s: warned %v", trust[0], warned)
		}
		writePair(t, cert, key, "first")
	}
}

func TestABrokenPairKeepsTheOldOne(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, "first")
	var log output
	k, err := newKeyPair(cert, key, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	name := func() string {
		k.looked = time.Time{}
		pair, err := k.current(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.Subject.CommonName
	}
	for range 2 {
		if err := os.WriteFile(key, []byte("half a key"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := name(); got != "first" {
			t.Errorf("a broken pair: %q", got)
		}
		if err := os.Remove(key); err != nil {
			t.Fatal(err)
		}
		if got := name(); got != "first" {
			t.Errorf("a pair without a key: %q", got)
		}
	}
	if !strings.Contains(log.String(), "the old one stays") {
		t.Errorf("the log says %q", log.String())
	}
	writePair(t, cert, key, "second")
	if got := name(); got != "second" {
		t.Errorf("mended: %q", got)
	}
}

// TestRoutes: two engines behind one process, one of them all on unix sockets.
func TestRoutes(t *testing.T) {
	first, second := fastSim(t, "first"), fastSim(t, "second")
	dir := t.TempDir()
	inner, outer := filepath.Join(dir, "inner.sock"), filepath.Join(dir, "outer.sock")
	// A socket that is left of somebody who has ended is in the way.
	ln, err := net.Listen("unix", outer)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	ln.Close()
	_, _ = launch(t, freeAddr(t), "--upstream", second, "--listen", "unix:"+inner, "--listen-mode", "600")
	addr, admin, log := freeAddr(t), freeAddr(t), filepath.Join(dir, "log.jsonl")
	stderr, stop := launch(t, admin, "--route", addr+"="+first, "--route", "unix:"+outer+"=unix:"+inner, "--log-requests", log)

	for path, want := range map[string]os.FileMode{inner: 0o600, outer: 0o660} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want mode %v", path, info, err, want)
		}
	}
	over := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", outer)
	}}}
	for _, x := range []struct {
		client     *http.Client
		url, model string
	}{{http.DefaultClient, "http://" + addr, "first"}, {over, "http://localhost", "second"}} {
		resp, err := x.client.Post(x.url+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"`+x.model+`","messages":[{"role":"user","content":"hi"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || gjson.GetBytes(b, "model").String() != x.model {
			t.Errorf("%s: %d %s, %v", x.model, resp.StatusCode, b, err)
		}
	}
	over.CloseIdleConnections()
	ready := get(t, "http://"+admin+"/readyz")
	if got := gjson.Get(ready, "routes.#.upstream").String(); got != `["`+first+`","unix:`+inner+`"]` {
		t.Errorf("/readyz: %s", ready)
	}
	for _, server := range []string{`server_address="127.0.0.1"`, `server_address="` + inner + `"`} {
		waitFor(t, "a metric with "+server, func() bool { // a Record may come a moment after its answer
			return strings.Contains(get(t, "http://"+admin+"/metrics"), server)
		})
	}
	if code := stop(); code != exitGood {
		t.Errorf("exit %d: %s", code, stderr.String())
	}
	for _, want := range []string{"http://" + addr + " -> " + first, "unix:" + outer + " -> unix:" + inner, "route=unix:" + outer} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("%q is not said: %s", want, stderr.String())
		}
	}
	if lines := readFile(t, log); strings.Count(lines, `"outcome":"complete"`) != 2 {
		t.Errorf("the log of both: %s", lines)
	}
	if _, err := os.Stat(outer); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestTransportRefusals(t *testing.T) {
	dir := t.TempDir()
	busy, file := filepath.Join(dir, "busy.sock"), filepath.Join(dir, "file")
	ln, err := net.Listen("unix", busy)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"a route without a pair", []string{"--route", ":8000"}, exitUsage, "write listen=upstream"},
		{"a route and a listen", []string{"--route", ":8000=http://h", "--listen", ":1"}, exitUsage, "leave out --listen and --upstream"},
		{"two for one address", []string{"--route", ":8000=http://h", "--route", ":8000=http://i"}, exitUsage, "an address of its own"},
		{"in a circle", []string{"--route", "h:80=http://i", "--route", ":8000=http://h"}, exitUsage, "leads back"},
		{"a route's bad upstream", []string{"--route", ":8000=h:1"}, exitUsage, "--route: address"},
		{"a relative socket", []string{"--listen", "unix:x.sock"}, exitUsage, "unix:/run/tokenomics.sock"},
		{"a bad mode", []string{"--listen-mode", "rw"}, exitUsage, "octal"},
		{"a certificate without a key", []string{"--tls-cert", file}, exitUsage, "give both"},
		{"a certificate that is none", []string{"--tls-cert", file, "--tls-key", file}, exitUsage, "PEM files"},
		{"a certificate for a unix socket", []string{"--listen", "unix:" + file, "--tls-cert", file, "--tls-key", file}, exitUsage, "stay plain"},
		{"a CA without TLS", []string{"--upstream-ca", file}, exitUsage, "https://"},
		{"a CA that is none", []string{"--upstream", "https://h", "--upstream-ca", file}, exitUsage, "BEGIN CERTIFICATE"},
		{"trust and no trust", []string{"--upstream", "https://h", "--upstream-ca", file, "--upstream-insecure"}, exitUsage, "one of them"},
		{"a socket in use", []string{"--listen", "unix:" + busy}, exitNotRun, "in use by another process"},
		{"a file in the way", []string{"--listen", "unix:" + file}, exitNotRun, "is a file and no socket"},
		{"no directory", []string{"--listen", "unix:" + dir + "/none/s"}, exitNotRun, "its directory must exist"},
	} {
		args := append([]string{"proxy", "--admin", ""}, tt.args...)
		if !strings.Contains(strings.Join(args, " "), "--listen ") && !strings.Contains(strings.Join(args, " "), "--route") {
			args = append(args, "--listen", "127.0.0.1:0")
		}
		var stdout, stderr output
		code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
		if got := stderr.String(); code != tt.code || !strings.Contains(got, tt.want) || strings.Count(got, "\n") != 1 {
			t.Errorf("%s: exit %d, %q; want %d and %q on one line", tt.name, code, got, tt.code, tt.want)
		}
	}
}

// TestRoutesOfTheEnvironment: several come in one variable, and the command
// line beats them.
func TestRoutesOfTheEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name, given string
		want        string
	}{
		{"the environment alone", "", "127.0.0.1:1 unix:/a"},
		{"--listen is given", "listen", "127.0.0.1:8080"},
	} {
		o := proxyOptions{
			route: []string{"127.0.0.1:1=http://h unix:/a=unix:/b"}, listen: "127.0.0.1:8080", upstream: "http://localhost:8000",
			given: func(flag string) bool { return flag == tt.given },
		}
		routes, err := o.routes()
		var got []string
		for _, r := range routes {
			got = append(got, r.listen)
		}
		if err != nil || strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}
