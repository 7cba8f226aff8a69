package upstream

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Target is where an engine listens, and how it is known to be the right one.
type Target struct {
	Scheme string      // "http" or "https"
	Addr   string      // host:port, or unix:PATH
	Prefix string      // path in front of every request's, without a trailing slash; usually ""
	TLS    *tls.Config // for https; nil = the system's roots, and the name in Addr
}

// ParseTarget reads a base URL such as http://localhost:8000,
// http://gateway/v1 or unix:/run/vllm.sock. Its errors say how to mend it.
func ParseTarget(raw string) (Target, error) {
	switch {
	case raw == "":
		return Target{}, errors.New("the engine's address is empty: give one such as http://localhost:8000")
	case strings.HasPrefix(raw, "unix:") || strings.HasPrefix(raw, "http+unix:") || strings.HasPrefix(raw, "https+unix:"):
		return parseUnix(raw)
	case !strings.Contains(raw, "://"):
		return Target{}, fmt.Errorf("address %q has no scheme: write http://%s", raw, strings.TrimLeft(raw, ":/"))
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return Target{}, fmt.Errorf("address %q is not a URL: write one such as http://localhost:8000", raw)
	case u.Scheme != "http" && u.Scheme != "https":
		return Target{}, fmt.Errorf("address %q: scheme %q is not http or https", raw, u.Scheme)
	case u.Hostname() == "":
		return Target{}, fmt.Errorf("address %q has no host: write %s://localhost:8000", raw, u.Scheme)
	case u.User != nil:
		return Target{}, fmt.Errorf("address of %s holds a user name or password: engines take keys in the Authorization header", u.Host)
	case u.RawQuery != "" || u.Fragment != "":
		return Target{}, fmt.Errorf("address %q has a query or fragment: give only scheme, host, port and path", raw)
	}
	port := u.Port()
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 1 || n > 65535) {
		return Target{}, fmt.Errorf("address %q: port %s is not one from 1 to 65535", raw, port)
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return Target{Scheme: u.Scheme, Addr: net.JoinHostPort(u.Hostname(), port), Prefix: strings.TrimRight(u.EscapedPath(), "/")}, nil
}

// String is the base URL, as ParseTarget reads it.
func (t Target) String() string {
	if _, unix := UnixPath(t.Addr); !unix {
		return t.Scheme + "://" + t.Addr + t.Prefix
	}
	if t.Prefix != "" {
		return t.Addr + ":" + t.Prefix
	}
	return t.Addr
}

// Host is the Host header for requests of our own: without a port that the
// scheme implies.
func (t Target) Host() string {
	if _, unix := UnixPath(t.Addr); unix {
		return "localhost"
	}
	if host, port, err := net.SplitHostPort(t.Addr); err == nil && !strings.Contains(host, ":") {
		if t.Scheme == "http" && port == "80" || t.Scheme == "https" && port == "443" {
			return host
		}
	}
	return t.Addr
}

// Root is the server of an OpenAI base URL: the same without a final /v1,
// where the engines have their own endpoints.
func (t Target) Root() Target {
	t.Prefix = strings.TrimSuffix(t.Prefix, "/v1")
	return t
}
