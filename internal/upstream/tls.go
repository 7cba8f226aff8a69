package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
)

// TrustOnly is how an engine is known by the certificates in a PEM file
// instead of by the system's roots, as curl's --cacert does.
func TrustOnly(file string) (*tls.Config, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate: give a PEM file with -----BEGIN CERTIFICATE----- in it", file)
	}
	return &tls.Config{RootCAs: roots}, nil
}

// TrustAnybody takes whatever certificate the other side shows.
func TrustAnybody() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// clientTLS is the target's configuration with what is the same for all: we
// speak HTTP/1.1 alone, and a connection made again resumes the session.
func clientTLS(t Target) *tls.Config {
	config := &tls.Config{}
	if t.TLS != nil {
		config = t.TLS.Clone()
	}
	config.NextProtos = []string{"http/1.1"}
	config.MinVersion = tls.VersionTLS12
	config.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(t.Addr)
	}
	return config
}

// secure starts TLS on a connection, and closes it where that fails.
func (p *Pool) secure(ctx context.Context, c net.Conn) (net.Conn, error) {
	secure := tls.Client(c, p.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("starting TLS with the engine at %s: %w%s", p.target.Addr, err, tlsRemedy(err))
	}
	return secure, nil
}

// tlsRemedy says what to do where a handshake failed.
func tlsRemedy(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		plain   tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &unknown):
		return ": give the certificate that it is signed with, with --upstream-ca FILE"
	case errors.As(err, &name):
		return ": use a name in the URL that the certificate is for"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return ": renew the engine's certificate, or put this machine's clock right"
	case errors.As(err, &plain):
		return ": the engine does not speak TLS there, write http:// instead of https://"
	}
	return ""
}
