//go:build unix

package upstream

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/valyala/fasthttp"
)

func TestCheckFiles(t *testing.T) {
	if err := CheckFiles(1); err != nil {
		t.Error(err)
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 1<<30 {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no limit of open files to be tested: ", err)
		}
		t.Skip("no limit here: ", err)
	}
	err := CheckFiles(int(limit.Cur))
	if err == nil || !strings.Contains(err.Error(), `"ulimit -n `) {
		t.Errorf("error %v names no remedy", err)
	}
}

func TestDialRemedies(t *testing.T) {
	failed := func(call string, errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError(call, errno)}
	}
	tests := []struct {
		name   string
		err    error
		remedy string
		usedUp bool
	}{
		{"no descriptor", failed("socket", syscall.EMFILE), "ulimit -n", true},
		{"no descriptor in the whole system", failed("socket", syscall.ENFILE), "ulimit -n", true},
		{"no port to this server", failed("connect", syscall.EADDRNOTAVAIL), "ip_local_port_range", true},
		{"no port of an address", failed("bind", syscall.EADDRINUSE), "ip_local_port_range", true},
		{"refused", failed("connect", syscall.ECONNREFUSED), "", false},
		{"none", nil, "", false},
	}
	for _, tt := range tests {
		if got := remedy("tcp", tt.err); !strings.Contains(got, tt.remedy) || (got == "") != (tt.remedy == "") || UsedUp(tt.err) != tt.usedUp {
			t.Errorf("%s: %q, used up: %v", tt.name, got, UsedUp(tt.err))
		}
	}
}

// TestWarmEndsWithItsFirstError, whichever of its dials has it.
func TestWarmEndsWithItsFirstError(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	p := NewPool(Target{Scheme: "http", Addr: ln.Addr().String()}, Options{})
	defer p.Close()
	if err := p.Warm(t.Context(), 100); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("error %v", err)
	}
	over, stop := context.WithCancel(t.Context())
	stop()
	if err := p.Warm(over, 100); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: error %v", err)
	}
	if err := p.Warm(t.Context(), 0); err != nil {
		t.Errorf("nothing to do: error %v", err)
	}
}

// counted counts what is written to it.
type counted struct {
	net.Conn
	writes int
	wrote  strings.Builder
}

func (c *counted) Write(p []byte) (int, error) {
	c.writes++
	return c.wrote.Write(p)
}

// TestARequestIsOneWrite, and so one packet where it fits in one: head and
// body do not wait for each other's acknowledgement.
func TestARequestIsOneWrite(t *testing.T) {
	for _, size := range []int{0, 10, 10_000, maxCopied} {
		to := new(counted)
		req := fasthttp.AcquireRequest()
		req.Header.SetMethod("POST")
		req.Header.SetHost("h")
		req.Header.SetRequestURI("/x")
		req.SetBodyRaw([]byte(strings.Repeat("b", size)))
		if err := write(to, req); err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(to.wrote.String(), "\r\n\r\n")
		if to.writes != 1 || len(body) != size || !strings.HasPrefix(head, "POST /x HTTP/1.1\r\n") || !strings.Contains(head, "\r\nContent-Length: ") {
			t.Errorf("%d bytes: %d writes, %d bytes of body behind %q", size, to.writes, len(body), head)
		}
		fasthttp.ReleaseRequest(req)
	}
}
