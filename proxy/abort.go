package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tokenomics/internal/upstream"
)

// aborter tells SGLang of requests whose client has left. Closing the
// connection is the abort that every engine understands; SGLang notices it only
// seconds later, and some versions not at all (WIRE.md 14.1). It is best effort:
// at most one request to the engine at a time, and a bounded queue of them.
type aborter struct {
	pool  *upstream.Pool
	log   *slog.Logger
	queue chan abortion
	stop  chan struct{}
	once  sync.Once // closes stop
	ended chan struct{}

	mu   sync.Mutex // protects told
	told time.Time  // when a failure was last logged
}

// abortion is a request to be aborted.
type abortion struct {
	ids           []string // as the engine knows it
	authorization string   // the client's own: the engine wants it; it is kept nowhere else
}

const (
	abortQueue   = 1024 // more clients than leave at once
	abortTimeout = 5 * time.Second
)

func newAborter(pool *upstream.Pool, log *slog.Logger) *aborter {
	a := &aborter{pool: pool, log: log, queue: make(chan abortion, abortQueue), stop: make(chan struct{}), ended: make(chan struct{})}
	go a.run()
	return a
}

// abort queues a request to be aborted. What does not fit is left to the
// engine's own watch.
func (a *aborter) abort(what abortion) {
	select {
	case a.queue <- what:
	default:
		a.failed(fmt.Errorf("more than %d requests wait to be aborted", abortQueue))
	}
}

func (a *aborter) run() {
	defer close(a.ended)
	for {
		select {
		case what := <-a.queue:
			a.tell(what)
		case <-a.stop:
			a.rest()
			return
		}
	}
}

// rest tells of what is queued when the proxy stops, for as long as one request
// may take.
func (a *aborter) rest() {
	for until := time.Now().Add(abortTimeout); time.Now().Before(until); {
		select {
		case what := <-a.queue:
			a.tell(what)
		default:
			return
		}
	}
}

func (a *aborter) tell(what abortion) {
	for _, id := range what.ids {
		if !unique(id) {
			continue // closing the connection has to do
		}
		if err := a.post(id, what.authorization); err != nil {
			a.failed(err)
		}
	}
}

// unique says whether id can't be the beginning of another request's: SGLang
// aborts every request whose id begins so. Its own are UUIDs, and a client may
// have chosen another.
func unique(id string) bool {
	digits := 0
	for i := len(id) - 1; i >= 0; i-- {
		switch c := id[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
			digits++
		case c != '-':
			return digits >= uuidDigits
		}
	}
	return digits >= uuidDigits
}

const uuidDigits = 32

func (a *aborter) post(id, authorization string) error {
	body, err := json.Marshal(struct {
		RID string `json:"rid"`
	}{id})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), abortTimeout)
	defer cancel()
	status, err := a.pool.Post(ctx, "/abort_request", authorization, body)
	if err == nil && status >= 300 {
		err = fmt.Errorf("the engine answered /abort_request with HTTP %d", status)
	}
	return err
}

// failed logs at most once a minute: an engine without the endpoint answers so
// every time.
func (a *aborter) failed(err error) {
	a.mu.Lock()
	now := time.Now()
	due := now.Sub(a.told) > time.Minute
	if due {
		a.told = now
	}
	a.mu.Unlock()
	if due {
		a.log.Warn("a request whose client left could not be aborted", "error", err)
	}
}

// close ends it, once nothing is added any more. It may be called again.
func (a *aborter) close() {
	a.once.Do(func() { close(a.stop) })
	<-a.ended
}
