package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// ledger holds what became of each request, as its client, the engine and the
// proxy's Records tell it, and compares the three.
type ledger struct {
	findings

	mu      sync.Mutex // protects the rest
	entries []entry    // by id
	outages []outage
	foreign int // Records that carry none of our ids: of heads that were refused
	began   time.Time
}

// entry is one request.
type entry struct {
	kind     string // the fault, or the way of the client, for the counts
	outcome  string // of its Record
	allowed  []string
	from, to time.Duration
	seen     uint8 // times that its head arrived at the engine
	whole    uint8 // times that its body did
	records  uint8
	tokens   int32 // that the engine tells, where the answer is whole
	told     int32 // that the Record has from the engine's usage
	counted  bool  // it has
	duty     duty
	healthy  bool
	upload   bool // the body is above injectLimit
	reused   bool // the connection had carried a request before
	good     bool
}

// duty says how many Records a request must have.
type duty uint8

const (
	unknown duty = iota // none or one, unless the engine has seen it: then one
	owed                // one
)

// outage is a time in which the engine was dead.
type outage struct{ from, to time.Duration }

func newLedger() *ledger { return &ledger{began: time.Now()} }

// open gives n requests their ids; the first is returned.
func (l *ledger) open(n int) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := len(l.entries)
	l.entries = append(l.entries, make([]entry, n)...)
	return int64(first)
}

// change is how others write an entry. An id of nobody's is a finding of who
// calls it.
func (l *ledger) change(id int64, f func(*entry)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if id < 0 || id >= int64(len(l.entries)) {
		return false
	}
	f(&l.entries[id])
	return true
}

// arrived and whole are the engine's.
func (l *ledger) arrived(p *plan) {
	l.change(p.id, func(e *entry) { e.seen = min(e.seen+1, 200) })
}

func (l *ledger) whole(p *plan) {
	l.change(p.id, func(e *entry) { e.whole = min(e.whole+1, 200) })
}

// dies notes that the engine is away from now on: what is in flight or begins
// may fail.
func (l *ledger) dies(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outages = append(l.outages, outage{now.Sub(l.began), 1 << 62})
}

// lives notes that it is back.
func (l *ledger) lives(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outages[len(l.outages)-1].to = now.Sub(l.began)
}

// afterwards is how long after the engine is back a connection may still be
// refused or reset.
const afterwards = 20 * time.Millisecond

// before is how long a client that left may be unknown to the proxy: what the
// engine's death does to its request is then no mistake.
const before = 20 * time.Millisecond

// during says whether a request fell into an outage.
func (l *ledger) during(from, to time.Duration) bool {
	return slices.ContainsFunc(l.outages, func(o outage) bool { return from < o.to+afterwards && to+before > o.from })
}

// close notes what the client saw of a request.
func (l *ledger) close(p *plan, r *result) {
	from, to := r.began.Sub(l.began), r.ended.Sub(l.began)
	rule := faults[p.fault]
	l.change(p.id, func(e *entry) {
		e.kind, e.from, e.to, e.allowed = p.label(), from, to, rule.outcomes
		if e.allowed == nil {
			e.allowed = []string{"complete"}
		}
		if p.leave != "" {
			e.allowed = []string{"client_abort", "error", "complete"}
		}
		e.upload, e.reused = p.body > injectLimit, r.reused
		e.healthy = p.fault == "" && p.leave == ""
		e.tokens = p.tokens()
		// What was never answered may have been lost with a reset, or have come
		// when the connection was being closed.
		if r.status >= 200 || r.sent && !r.left && !r.reused && (r.err == nil || errors.Is(r.err, io.EOF)) {
			e.duty = owed
		}
		// Nor has the proxy to know of a client that left before its request was
		// written: a large body is written aside.
		if p.leave == "wait" && p.how != "rst" && r.left && !r.reused && r.upload == nil {
			e.duty = owed
		}
	})
}

// label is what a request is counted as.
func (p *plan) label() string {
	switch {
	case p.leave != "":
		return "client leaves: " + p.leave + " " + p.how
	case p.fault != "":
		return "engine: " + p.fault
	case p.slow:
		return "client reads slowly"
	case p.send != "":
		return string(p.kind) + " " + p.send
	}
	return string(p.kind)
}

// judge compares what the client saw with what it must. outage: the engine was
// dead meanwhile, which excuses every failure that is told as one.
func (l *ledger) judge(p *plan, r *result) {
	outage := func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.during(r.began.Sub(l.began), r.ended.Sub(l.began))
	}()
	kind, of := verdict(p, r, outage)
	if kind != "" {
		l.add(kind, p.id, fmt.Sprintf("(%s, %s) %s", p.label(), p.kind, of))
	}
	l.change(p.id, func(e *entry) { e.good = kind == "" })
}

// verdict is the finding that a result is, "" for none.
func verdict(p *plan, r *result, outage bool) (kind, of string) {
	told := fmt.Sprintf("status %d, complete %t, %v %s%s", r.status, r.complete, r.err, r.wrong, r.says)
	want := faults[p.fault].fate
	if outage {
		want = honest
	}
	switch {
	case r.alien:
		return alienBytes, told
	case r.left:
		return "", ""
	case r.hung:
		return hungRequest, told
	case r.wrong != "" && !(r.status == 0 && want != exactly):
		return wrongBytes, told
	case r.unreadable:
		return unreadable, told
	case want == exactly && p.healthy() && !r.exact:
		return failedRequest, told
	case want == exactly && !r.exact:
		return unfaithful, told
	case want == exactly && p.fault == trailed && p.send != "http10" && string(r.trailers) != p.trailer():
		return lostTrailers, fmt.Sprintf("got %q, want %q", r.trailers, p.trailer())
	case want == refused && (r.engines || r.complete && r.status < 400):
		return unfaithful, told
	case want == cut && r.engines && r.complete:
		return falseEnd, told
	case want == cut && !r.engines && r.complete && r.status < 400:
		return unfaithful, told
	case want == honest && r.engines && r.complete && !r.exact && p.fault != shortLength:
		return falseEnd, told
	}
	return "", ""
}

func (p *plan) healthy() bool { return p.fault == "" && p.leave == "" }

// record notes one line of the proxy's log.
func (l *ledger) record(line recordLine) {
	id, ok := parseID([]byte(line.ID))
	if !ok {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.foreign++
		return
	}
	known := l.change(id, func(e *entry) {
		e.records = min(e.records+1, 200)
		e.outcome = line.Outcome
		if line.Source == "usage" && line.Completion != nil {
			e.counted, e.told = true, int32(*line.Completion)
		}
	})
	if !known {
		l.add(strangeRecord, id, line.Outcome)
	}
}

// reconcile compares the Records with the requests, when all have come.
func (l *ledger) reconcile() {
	l.mu.Lock()
	defer l.mu.Unlock()
	broken := 0 // heads that may have a Record with an id of the proxy's own
	for i := range l.entries {
		e := &l.entries[i]
		if strings.HasPrefix(e.kind, malformedKind) || strings.HasPrefix(e.kind, "client leaves: head") {
			broken++
		}
		if kind, of := e.verdict(l.during(e.from, e.to)); kind != "" {
			l.add(kind, int64(i), fmt.Sprintf("(%s) %s", e.kind, of))
		}
		if e.whole > 0 && strings.HasPrefix(e.kind, "client leaves: body") {
			l.add(halfRequest, int64(i), "("+e.kind+")")
		}
		if e.seen > 0 && (strings.HasPrefix(e.kind, malformedKind) || strings.HasPrefix(e.kind, smuggledKind)) {
			l.add(smuggled, int64(i), "("+e.kind+")")
		}
		if e.seen > 2 || e.whole > 1 && e.healthy && !l.during(e.from, e.to) {
			l.add(sentTwice, int64(i), fmt.Sprintf("(%s) %d heads, %d bodies", e.kind, e.seen, e.whole))
		}
	}
	if l.foreign > broken {
		l.add(strangeRecord, 0, fmt.Sprintf("%d with an id of the proxy's own, and only %d heads were broken", l.foreign, broken))
	}
}

// verdict is what is wrong about an entry's Records, "" for nothing.
func (e *entry) verdict(outage bool) (kind, of string) {
	switch {
	case e.records > 1:
		return extraRecord, fmt.Sprintf("%d Records", e.records)
	case e.records == 0 && (e.duty == owed || e.seen > 0):
		return lostRecord, fmt.Sprintf("the engine saw it %d times; reused connection: %t, in an outage: %t", e.seen, e.reused, outage)
	case e.records == 1 && len(e.allowed) > 0 && !outage && !slices.Contains(e.allowed, e.outcome):
		return wrongOutcome, fmt.Sprintf("%q, can be %q", e.outcome, e.allowed)
	case e.healthy && e.outcome == "complete" && e.counted && e.told != e.tokens:
		return wrongTokens, fmt.Sprintf("%d, the engine told %d", e.told, e.tokens)
	}
	return "", ""
}
