package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"tokenomics/internal/upstream"
)

// listen opens a listener; its error says what to do about it.
func listen(flag, addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		return ln, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, runError(fmt.Errorf("%s: address %s is in use by another process: stop it, or give another address with %s", flag, addr, flag))
	case errors.Is(err, os.ErrPermission):
		return nil, runError(fmt.Errorf("%s: no permission to listen on %s: ports below 1024 need privileges, give another with %s", flag, addr, flag))
	}
	return nil, runError(fmt.Errorf("%s: listening on %s: %w", flag, addr, err))
}

// listenAll opens the address of every route, or of none.
func (o *proxyOptions) listenAll(routes []route) (lns []net.Listener, err error) {
	for _, r := range routes {
		var ln net.Listener
		if path, unix := upstream.UnixPath(r.listen); unix {
			ln, err = listenUnix(r.flag, path, o.listenMode)
		} else {
			ln, err = listen(r.flag, r.listen)
		}
		if err != nil {
			return nil, errors.Join(err, closeListeners(lns))
		}
		lns = append(lns, ln)
	}
	return lns, nil
}

// closeListeners closes those that a server may have closed already.
func closeListeners(lns []net.Listener) error {
	var errs []error
	for _, ln := range lns {
		if err := ln.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// listenUnix opens a unix socket with the mode. What is left of a process that
// has ended is removed; a socket on which somebody answers is not.
func listenUnix(flag, path, mode string) (net.Listener, error) {
	ln, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EADDRINUSE) {
		if err := removeStale(flag, path); err != nil {
			return nil, runError(err)
		}
		ln, err = net.Listen("unix", path)
	}
	if err != nil {
		return nil, runError(fmt.Errorf("%s: listening on unix:%s: %w: its directory must exist, and this user may write there", flag, path, err))
	}
	if strings.HasPrefix(path, "@") {
		return ln, nil // a name without a file has no mode
	}
	bits, err := parseMode(mode)
	if err == nil {
		err = os.Chmod(path, bits)
	}
	if err != nil {
		return nil, runError(errors.Join(fmt.Errorf("%s: giving unix:%s the mode %s: %w", flag, path, mode, err), ln.Close()))
	}
	return ln, nil
}

func removeStale(flag, path string) error {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s: %s is a file and no socket: move it away, or give another path", flag, path)
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s: unix:%s is in use by another process: stop it, or give another path with %s", flag, path, flag)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("%s: removing the socket left of a process that has ended: %w", flag, err)
	}
	return nil
}

// parseMode reads permission bits as chmod takes them.
func parseMode(text string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o777 {
		return 0, fmt.Errorf("--listen-mode %q: give octal permission bits, such as 0660", text)
	}
	return fs.FileMode(n), nil
}
