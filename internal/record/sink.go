package record

import (
	"context"
	"sync"
	"sync/atomic"
)

// Sink takes finished Records. Observe must not keep the caller waiting and
// must not change the Record; it is called from many goroutines.
type Sink interface {
	Observe(*Record)
}

// SinkFunc lets a function be a Sink.
type SinkFunc func(*Record)

// Observe calls f.
func (f SinkFunc) Observe(r *Record) { f(r) }

// Fanout hands each Record to several sinks, each behind a bounded queue and a
// goroutine of its own, so that a slow sink costs dropped Records, counted,
// and never traffic. Close it to hand over what is queued.
type Fanout struct {
	// Pause, where it is set before the first Add, is called by a sink's goroutine
	// when it has emptied its queue, and should wait some milliseconds: Records
	// that come meanwhile wake nobody. nil = each Record is handed on at once.
	Pause func()

	mu       sync.RWMutex // protects the rest, and the queues against closing while Observe sends
	branches []*branch
	closed   bool
}

type branch struct {
	name    string
	sink    Sink
	pause   func() // nil = none
	queue   chan *Record
	dropped atomic.Int64
	panics  atomic.Int64
	done    chan struct{}
}

// QueueLength is how many Records may wait for one sink: a second of a very
// busy proxy, some ten megabytes at most.
const QueueLength = 8192

// NewFanout starts a fan-out to no sinks; add them before the first Observe.
// What counts its losses may ask from the beginning.
func NewFanout() *Fanout { return &Fanout{} }

// Add puts a sink behind a queue of length QueueLength. The name is for its
// drop count.
func (f *Fanout) Add(name string, s Sink) { f.add(name, s, QueueLength) }

func (f *Fanout) add(name string, s Sink, length int) {
	b := &branch{name: name, sink: s, pause: f.Pause, queue: make(chan *Record, length), done: make(chan struct{})}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.branches = append(f.branches, b)
	go b.run()
}

// Observe queues r for every sink; where a queue is full it counts a drop.
func (f *Fanout) Observe(r *Record) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, b := range f.branches {
		if f.closed {
			b.dropped.Add(1)
			continue
		}
		select {
		case b.queue <- r:
		default:
			b.dropped.Add(1)
		}
	}
}

// Drops is how many Records each sink has not been given, by its name.
func (f *Fanout) Drops() map[string]int64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	drops := make(map[string]int64, len(f.branches))
	for _, b := range f.branches {
		drops[b.name] += b.dropped.Load()
	}
	return drops
}

// Panics is how many Records a sink failed on.
func (f *Fanout) Panics() (n int64) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, b := range f.branches {
		n += b.panics.Load()
	}
	return n
}

// Close waits until all that is queued has been handed over, or ctx ends: a
// sink that is stuck then keeps what it has, counted as dropped. Records
// observed after it are counted as dropped too.
func (f *Fanout) Close(ctx context.Context) {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		for _, b := range f.branches {
			close(b.queue)
		}
	}
	branches := f.branches
	f.mu.Unlock()
	for _, b := range branches {
		select {
		case <-b.done:
		case <-ctx.Done():
			b.dropped.Add(int64(len(b.queue)))
		}
	}
}

func (b *branch) run() {
	defer close(b.done)
	for r := range b.queue {
		b.observe(r)
		if b.pause != nil && len(b.queue) == 0 {
			b.pause()
		}
	}
}

// observe keeps one bad Record from taking the sink, and the process, with it.
func (b *branch) observe(r *Record) {
	defer func() {
		if recover() != nil {
			b.panics.Add(1)
		}
	}()
	b.sink.Observe(r)
}

var (
	_ Sink = (*Fanout)(nil)
	_ Sink = SinkFunc(nil)
)
