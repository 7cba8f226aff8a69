package upstream

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"tokenomics/internal/http1"
)

// Head is an answer's head.
type Head = http1.Response

// Receiver is told of one exchange as it goes on, by one goroutine at a time,
// which may be a readiness loop's: it must not wait.
type Receiver interface {
	// Sent is called when the request's last byte was handed to the socket.
	Sent(at time.Time)
	// Head is called once, when the answer's head is whole. at is the moment of
	// the read that completed it. What h has is valid until Head returns.
	Head(at time.Time, h *Head)
	// Body is called with the next piece of the answer's body, freed of its
	// transfer coding, as soon as it has come. piece is valid until Body returns;
	// at is the moment of the read that brought it. An error ends the exchange.
	Body(at time.Time, piece []byte) error
}

// headSize is the limit of a response's head.
const headSize = 8 << 10

var (
	errHeadSize = errors.New("the answer's head is longer than 8 KiB")
	heads       = sync.Pool{New: func() any { return new(Head) }}
)

// answer follows one answer through what the reads of a socket bring, whoever
// reads. The zero value is ready.
type answer struct {
	bytes  int64  // that have come
	part   []byte // of a head that has not come whole
	scan   http1.Scan
	headed bool // the head is whole
	body   http1.Body
	keep   bool // the engine keeps the connection open, and sent nothing behind the answer
}

// take takes what one read brought. over says that the answer has ended as its
// framing says.
func (a *answer) take(at time.Time, p []byte, to Receiver) (over bool, err error) {
	a.bytes += int64(len(p))
	for !a.headed {
		if p, err = a.takeHead(at, p, to); err != nil || len(p) == 0 && !a.headed {
			return false, err
		}
	}
	for len(p) > 0 && !a.body.Done() {
		used, data, err := a.body.Next(p)
		if err != nil {
			return false, fmt.Errorf("the answer has %w", err)
		}
		p = p[used:]
		if len(data) == 0 {
			continue
		}
		if err := to.Body(at, data); err != nil {
			return false, err
		}
	}
	a.keep = a.keep && len(p) == 0 // nobody asked for more
	return a.body.Done(), nil
}

// takeHead takes the beginning of p for a head, and returns what follows that.
// A provisional one (100 to 199) says nothing of the answer.
func (a *answer) takeHead(at time.Time, p []byte, to Receiver) (rest []byte, err error) {
	b := p
	if len(a.part) > 0 {
		a.part = append(a.part, p...)
		b = a.part
	}
	end, err := a.scan.End(b)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer has %w", err)
	case end > headSize, end == 0 && len(b) > headSize:
		return nil, errHeadSize
	case end == 0:
		if len(a.part) == 0 {
			a.part = append(a.part, p...)
		}
		return nil, nil
	}
	h := heads.Get().(*Head)
	defer heads.Put(h)
	if err := h.Parse(b[:end], false); err != nil { // nobody asks with HEAD
		return nil, fmt.Errorf("the answer has %w", err)
	}
	a.part, a.scan = nil, http1.Scan{}
	if h.Status >= 200 || h.Status == 101 {
		a.headed, a.keep = true, h.KeepAlive() && h.Status != 101
		a.body.Start(h.Body)
		to.Head(at, h)
	}
	return b[end:], nil
}

// cut is told that nothing more comes, because of err; io.EOF where the engine
// has closed. It returns nil where that is the answer's end.
func (a *answer) cut(err error) error {
	switch {
	case err == io.EOF && a.headed && a.body.UntilClose():
		return nil
	case err == io.EOF && a.bytes > 0:
		return io.ErrUnexpectedEOF
	}
	return err
}
