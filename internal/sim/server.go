package sim

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Server is one simulated engine.
type Server struct {
	cfg     Config
	dialect dialect
	routes  map[string]route
	queue   *queue
	jobs    *jobs
	cache   *prefixCache
	truth   *truthLog
	now     func() time.Time
	started time.Time

	number     atomic.Uint64 // generation and embeddings requests received
	prompted   atomic.Uint64 // prompt tokens computed or found in the cache
	cached     atomic.Uint64 // prompt tokens found in the cache
	generated  atomic.Uint64
	held       atomic.Int64 // tokens that running requests have room for
	spans      spans
	finished   finishes
	aborted    atomic.Uint64 // requests that the engine was told to stop
	dying      chan struct{} // closed by Close
	conns      sync.WaitGroup
	closeOnce  sync.Once
	mu         sync.Mutex // protects what follows
	open       map[*conn]struct{}
	listeners  map[net.Listener]struct{}
	isDraining bool
}

// New checks the configuration and returns an engine that does not listen yet.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:       cfg,
		queue:     newQueue(cfg.Slots, cfg.MaxQueued),
		jobs:      newJobs(),
		cache:     newPrefixCache(cfg.CacheTokens, cfg.CacheBlock),
		truth:     newTruthLog(cfg.Truth),
		now:       time.Now,
		started:   time.Now(),
		dying:     make(chan struct{}),
		open:      make(map[*conn]struct{}),
		listeners: make(map[net.Listener]struct{}),
	}
	s.dialect = newDialect(&s.cfg)
	s.routes = s.dialect.routes()
	return s, nil
}

// Config returns the configuration with its defaults filled in.
func (s *Server) Config() Config { return s.cfg }

// Serve accepts connections until the server is shut down or closed, and then
// returns nil. It may run on several listeners; each is closed at the end.
func (s *Server) Serve(ln net.Listener) error {
	defer func() { _ = ln.Close() }() // closed twice after Shutdown: harmless
	if !s.track(ln) {
		return nil
	}
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			s.accept(nc)
		case s.draining():
			return nil
		case isTemporary(err):
			time.Sleep(10 * time.Millisecond) // out of descriptors: let some go
		default:
			return err
		}
	}
}

func isTemporary(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout() || !errors.Is(err, net.ErrClosed) && errors.As(err, new(*net.OpError))
}

func (s *Server) track(ln net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isDraining {
		return false
	}
	s.listeners[ln] = struct{}{}
	return true
}

func (s *Server) accept(nc net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isDraining || len(s.open) >= s.cfg.MaxConns {
		_ = nc.Close() // refused: nothing was promised
		return
	}
	c := newConn(s, nc)
	s.open[c] = struct{}{}
	s.conns.Go(c.serve)
}

func (s *Server) draining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.isDraining
}

// setBusy marks whether c is in a request. It reports false when c is to close
// instead, because the server is shutting down.
func (s *Server) setBusy(c *conn, busy bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.busy = busy
	return !s.isDraining || busy && !c.dropped
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

// Shutdown stops accepting, closes idle connections, waits for running requests
// until ctx ends, and then closes what is left. It returns ctx's error if it had
// to, else the truth log's.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopAccepting(false)
	done := make(chan struct{})
	go func() { s.conns.Wait(); close(done) }()
	select {
	case <-done:
		return s.truth.failed()
	case <-ctx.Done():
		return errors.Join(ctx.Err(), s.Close())
	}
}

// Close goes away as a killed engine does: listeners and connections are closed
// at once, in the middle of whatever they do. It returns the truth log's error.
func (s *Server) Close() error {
	s.closeOnce.Do(func() { close(s.dying) })
	s.stopAccepting(true)
	s.conns.Wait()
	return s.truth.failed()
}

func (s *Server) stopAccepting(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isDraining = true
	for ln := range s.listeners {
		_ = ln.Close() // Serve sees it
	}
	for c := range s.open {
		if all || !c.busy {
			c.dropped = true
			_ = c.nc.Close() // its goroutine sees it
		}
	}
}

// key is what response ids are made from.
func (s *Server) key(r *request) uint64 {
	if !s.cfg.Deterministic {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails
		return binary.BigEndian.Uint64(b[:])
	}
	h := chain(s.cfg.Seed, hashString(string(r.endpoint)))
	for _, p := range r.prompts {
		h = chain(h, p.hash)
	}
	return h
}

// deterministicCreated is `created` when answers are to be equal.
const deterministicCreated = 1700000000

func (s *Server) created() int64 {
	if s.cfg.Deterministic {
		return deterministicCreated
	}
	return s.now().Unix()
}

// startedAt is when the engine says that it, or its model, came to be.
func (s *Server) startedAt() int64 {
	if s.cfg.Deterministic {
		return deterministicCreated
	}
	return s.started.Unix()
}
