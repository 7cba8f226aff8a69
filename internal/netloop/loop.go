package netloop

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Loop is one goroutine and the sockets that it looks after.
type Loop struct {
	poll  *poller
	born  time.Time
	ended chan struct{}

	// Of the loop's goroutine.
	ready []*Conn // of this round
	more  []*Conn // that asked to be called again
	dead  []int   // descriptors to close at the end of the round
	when  timers

	mu     sync.Mutex // protects the rest
	table  []entry
	free   []uint32 // indices of table
	posts  []func()
	parked bool // a post has to wake it
	over   bool
}

// entry is a place for a socket. A tag is its index and what turn it was then.
type entry struct {
	conn *Conn
	turn uint32
}

// wakeTag is the tag of what wakes the loop; no socket has index 0.
const wakeTag = 0

// ErrClosed is that of a loop that has ended.
var ErrClosed = errors.New("the readiness loop has ended")

// New starts a loop. The error is errors.ErrUnsupported where there is none for
// the system.
func New() (*Loop, error) {
	poll, err := newPoller()
	if err != nil {
		return nil, fmt.Errorf("starting a readiness loop: %w", err)
	}
	l := &Loop{poll: poll, born: time.Now(), ended: make(chan struct{}), table: make([]entry, 1)}
	go l.run()
	return l, nil
}

// Close ends the loop and closes what sockets it has; their handlers are told
// nothing. It may be called from any goroutine but the loop's, and again.
func (l *Loop) Close() error {
	l.mu.Lock()
	first := !l.over
	l.over = true
	l.mu.Unlock()
	if !first {
		<-l.ended
		return nil
	}
	l.poll.wake()
	<-l.ended
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.table {
		if c := l.table[i].conn; c != nil {
			c.closed = true
			l.dead = append(l.dead, int(c.fd))
		}
	}
	l.table, l.free, l.posts = nil, nil, nil
	l.bury()
	return l.poll.close()
}

// Post has f called by the loop's goroutine, soon. It may be called from any
// goroutine. Not ok where the loop has ended and f will not be called.
func (l *Loop) Post(f func()) (ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	l.posts = append(l.posts, f)
	if l.parked {
		l.parked = false
		l.poll.wake()
	}
	return true
}

// Add puts c into the loop, whose goroutine may call its handler before Add
// returns. It may be called from any goroutine. After an error, c is closed.
func (l *Loop) Add(c *Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.loop = l
	if l.over {
		c.closed = true
		closeFD(int(c.fd))
		return ErrClosed
	}
	index := uint32(len(l.table))
	if n := len(l.free); n > 0 {
		index, l.free = l.free[n-1], l.free[:n-1]
	} else {
		l.table = append(l.table, entry{})
	}
	e := &l.table[index]
	e.turn++
	e.conn = c
	c.tag = uint64(e.turn)<<32 | uint64(index)
	// With mu held: Close may not close the descriptor, and the set, meanwhile.
	if err := l.poll.add(int(c.fd), c.tag); err != nil {
		l.forget(c)
		c.closed = true
		closeFD(int(c.fd))
		return fmt.Errorf("adding a socket to the readiness loop: %w", err)
	}
	return nil
}

// Each calls f with the handler of every socket. It belongs to the loop's
// goroutine.
func (l *Loop) Each(f func(Handler)) {
	l.mu.Lock()
	conns := make([]*Conn, 0, len(l.table))
	for i := range l.table {
		if c := l.table[i].conn; c != nil {
			conns = append(conns, c)
		}
	}
	l.mu.Unlock()
	for _, c := range conns {
		if !c.closed { // by f, with another
			f(c.handler)
		}
	}
}

// forget makes c's tag nobody's. The caller has mu.
func (l *Loop) forget(c *Conn) {
	index := uint32(c.tag)
	if int(index) < len(l.table) && l.table[index].conn == c {
		l.table[index].conn = nil
		l.free = append(l.free, index)
	}
}

// run is the loop.
func (l *Loop) run() {
	defer close(l.ended)
	for l.round(0) != finished {
		l.poll.watch(l.round)
	}
	l.deliverPosts() // there will be no more of them
}

// next is what follows a round.
type next int

const (
	wait     next = iota // for an event, a post or a deadline
	goOn                 // there is more to do
	finished             // the loop is over
)

// round deals with n events of the poller, and all else that there is to do.
func (l *Loop) round(n int) next {
	l.collect(n)
	l.deliver()
	l.again()
	l.expire()
	l.bury()
	l.poll.until(l.at(l.when.first()))
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.over:
		return finished
	case len(l.posts) > 0 || len(l.more) > 0:
		return goOn
	}
	l.parked = true
	return wait
}

// collect finds out for whom n events are.
func (l *Loop) collect(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parked = false
	for i := range n {
		tag, what := l.poll.event(i)
		index := uint32(tag)
		if tag == wakeTag || int(index) >= len(l.table) {
			continue
		}
		if e := &l.table[index]; e.conn != nil && e.conn.tag == tag {
			e.conn.is |= what
			l.ready = append(l.ready, e.conn)
		}
	}
}

// deliver calls the handlers of the sockets that something happened to, and
// then what was posted.
func (l *Loop) deliver() {
	for i, c := range l.ready {
		l.ready[i] = nil
		if !c.closed { // by another's handler, this round
			c.handler.Ready()
		}
	}
	l.ready = l.ready[:0]
	l.deliverPosts()
}

// deliverPosts calls what was posted.
func (l *Loop) deliverPosts() {
	l.mu.Lock()
	posts := l.posts
	l.posts = nil
	l.mu.Unlock()
	for _, f := range posts {
		f()
	}
}

// again calls those that had more to do than was their share.
func (l *Loop) again() {
	n := len(l.more)
	for i := range n {
		c := l.more[i]
		l.more[i], c.queued = nil, false
		if !c.closed {
			c.handler.Ready()
		}
	}
	l.more = append(l.more[:0], l.more[n:]...)
}

// expire calls those whose time is up.
func (l *Loop) expire() {
	if l.when.first() == 0 {
		return
	}
	now := time.Now()
	until := l.moment(now)
	for c := l.when.due(until); c != nil; c = l.when.due(until) {
		c.handler.Expired(now)
	}
}

// bury closes the descriptors of this round's dead.
func (l *Loop) bury() {
	for _, fd := range l.dead {
		closeFD(fd)
	}
	l.dead = l.dead[:0]
}
