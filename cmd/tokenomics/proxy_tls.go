package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// keyPair is a certificate and its key in PEM files. They are read again when
// they have changed; a new pair that can't be used leaves the old one in place.
type keyPair struct {
	certFile, keyFile string
	log               *slog.Logger

	mu     sync.Mutex // protects the rest
	pair   *tls.Certificate
	seen   [2]fileState
	looked time.Time
}

// fileState tells one content of a file from the next.
type fileState struct {
	changed time.Time
	size    int64
}

// lookEvery is how often a handshake looks at the files, at the most.
const lookEvery = time.Second

// newKeyPair reads the files for the first time.
func newKeyPair(certFile, keyFile string, log *slog.Logger) (*keyPair, error) {
	if certFile == "" || keyFile == "" {
		return nil, errors.New("--tls-cert and --tls-key belong together: give both")
	}
	k := &keyPair{certFile: certFile, keyFile: keyFile, log: log, looked: time.Now()}
	k.seen = k.states()
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert %s, --tls-key %s: %w: give PEM files, the key the certificate's own", certFile, keyFile, err)
	}
	k.pair = &pair
	return k, nil
}

// config is for a listener: TLS 1.2 and newer, and HTTP/1 alone. Some clients
// offer only the older version, and get it.
func (k *keyPair) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1", "http/1.0"}, GetCertificate: k.current}
}

// current is the pair for a handshake now.
func (k *keyPair) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := time.Now(); now.Sub(k.looked) >= lookEvery {
		k.looked = now
		k.refresh()
	}
	return k.pair, nil
}

// refresh reads the files if they are not what they were. The caller has mu.
func (k *keyPair) refresh() {
	now := k.states()
	if now == k.seen {
		return
	}
	k.seen = now
	pair, err := tls.LoadX509KeyPair(k.certFile, k.keyFile)
	if err != nil {
		k.log.Error("the changed certificate can't be used, the old one stays", "cert", k.certFile, "key", k.keyFile, "error", err)
		return
	}
	k.pair = &pair
	k.log.Info("the certificate was read again", "cert", k.certFile)
}

// states are the zero state for a file that is not there.
func (k *keyPair) states() (states [2]fileState) {
	for i, path := range []string{k.certFile, k.keyFile} {
		if info, err := os.Stat(path); err == nil {
			states[i] = fileState{info.ModTime(), info.Size()}
		}
	}
	return states
}

// overTLS puts TLS in front of the listeners on the network, where it is asked
// for. Unix sockets stay plain: the system says who may connect.
func (o *proxyOptions) overTLS(lns []net.Listener, log *slog.Logger) ([]net.Listener, error) {
	if o.tlsCert == "" && o.tlsKey == "" {
		return lns, nil
	}
	pair, err := newKeyPair(o.tlsCert, o.tlsKey, log)
	if err != nil {
		return nil, err
	}
	over := slices.Clone(lns)
	for i, ln := range lns {
		if ln.Addr().Network() != "unix" {
			over[i] = tls.NewListener(ln, pair.config())
		}
	}
	return over, nil
}

// shownAddr is a listener's address for people.
func (o *proxyOptions) shownAddr(ln net.Listener) string {
	switch {
	case ln.Addr().Network() == "unix":
		return "unix:" + ln.Addr().String()
	case o.tlsCert != "":
		return "https://" + ln.Addr().String()
	}
	return "http://" + ln.Addr().String()
}
