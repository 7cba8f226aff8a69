package proxy

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"syscall"
	"time"
)

// patient keeps accepting when the process or the machine is out of
// descriptors or memory: the connections that are there may end, and until
// then those that come wait in the kernel.
type patient struct {
	net.Listener
	log  *slog.Logger
	told time.Time // when it was last said
}

// Pauses between attempts to accept, and how often it is said.
const (
	acceptPauseFirst = 5 * time.Millisecond
	acceptPauseMost  = time.Second
	acceptToldEvery  = time.Minute
)

// Accept is called by one goroutine at a time.
func (l *patient) Accept() (net.Conn, error) {
	for pause := acceptPauseFirst; ; pause = min(2*pause, acceptPauseMost) {
		c, err := l.Listener.Accept()
		if err == nil || !passing(err) {
			return c, err
		}
		if now := time.Now(); now.Sub(l.told) > acceptToldEvery {
			l.told = now
			l.log.Error("clients have to wait: raise the limit of open files (ulimit -n), or lower --max-connections", "error", err)
		}
		time.Sleep(pause)
	}
}

// passing says whether an error of accepting may be over soon.
func passing(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// quiet sends fasthttp's messages about single connections, which are the
// clients' doing, to the debug log.
type quiet struct{ log *slog.Logger }

func (q quiet) Printf(format string, args ...any) {
	q.log.Debug(fmt.Sprintf(format, args...))
}
