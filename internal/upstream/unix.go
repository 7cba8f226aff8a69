package upstream

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"syscall"
)

// UnixPath is the path of an address written unix:PATH or unix://PATH. A path
// is absolute, or begins with @ for Linux's names without a file: so a host
// called unix can still have a port.
func UnixPath(addr string) (path string, ok bool) {
	path, ok = strings.CutPrefix(addr, "unix:")
	if rest, slashes := strings.CutPrefix(path, "//"); slashes {
		path = rest
	}
	return path, ok && (strings.HasPrefix(path, "/") || strings.HasPrefix(path, "@"))
}

// longestUnixPath is what the system's address has room for, less the zero
// byte at the end.
const longestUnixPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// CheckUnixPath finds what is wrong with a socket's path before anybody tries
// to use it.
func CheckUnixPath(path string) error {
	if len(path) > longestUnixPath {
		return fmt.Errorf("the path %q has %d bytes, and a unix socket's has at most %d: use a shorter one, or a symbolic link to its directory", path, len(path), longestUnixPath)
	}
	return nil
}

// parseUnix reads unix:/run/vllm.sock, the same with a path prefix behind a
// second colon (unix:/run/vllm.sock:/prefix), and the URL with an escaped
// socket for a host (http+unix://%2Frun%2Fvllm.sock/prefix). The first form is
// the one that String writes.
func parseUnix(raw string) (Target, error) {
	scheme, rest, _ := strings.Cut(raw, ":")
	if scheme == "https+unix" {
		return Target{}, fmt.Errorf("address %q: TLS is not spoken over a unix socket: write http+unix", raw)
	}
	if strings.ContainsAny(rest, "?#") {
		return Target{}, fmt.Errorf("address %q has a query or fragment: give only the socket, such as unix:/run/vllm.sock", raw)
	}
	var socket, prefix string
	if scheme == "http+unix" {
		escaped, path, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
		host, err := url.PathUnescape(escaped)
		if err != nil || host == "" {
			return Target{}, fmt.Errorf("address %q has no socket for a host: write http+unix://%%2Frun%%2Fvllm.sock, or unix:/run/vllm.sock", raw)
		}
		socket, prefix = host, "/"+path
	} else if at := strings.Index(rest, ":/"); at >= 0 {
		socket, prefix = rest[:at], rest[at+1:]
	} else {
		socket = rest
	}
	path, ok := UnixPath("unix:" + socket)
	if !ok {
		return Target{}, fmt.Errorf("address %q: a socket's path begins with a slash: write unix:/run/vllm.sock", raw)
	}
	if err := CheckUnixPath(path); err != nil {
		return Target{}, err
	}
	return Target{Scheme: "http", Addr: "unix:" + path, Prefix: strings.TrimRight(prefix, "/")}, nil
}

// network is the target's address as package net takes it.
func (t Target) network() (network, address string) {
	if path, unix := UnixPath(t.Addr); unix {
		return "unix", path
	}
	return "tcp", t.Addr
}

// unixRemedy says what to do where a unix socket can't be connected to.
func unixRemedy(err error) string {
	switch {
	case errors.Is(err, syscall.ENOENT):
		return ": start the engine, and see that this is the socket it was given"
	case errors.Is(err, syscall.EACCES):
		return ": this user needs the right to write to the socket and to enter its directory"
	case errors.Is(err, syscall.ECONNREFUSED):
		return ": the file is left of an engine that has ended, start it again"
	}
	return ""
}
