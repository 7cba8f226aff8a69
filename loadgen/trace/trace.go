package trace

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
)

// BlockTokens is the number of prompt tokens that one id of Request.Blocks
// stands for. Only a prompt's last block may have fewer.
const BlockTokens = 512

// Request is one request of a trace.
type Request struct {
	// At is when it came, from the trace's start.
	At time.Duration
	// Input is the number of prompt tokens, at least 1.
	Input int
	// Output is the number of tokens that were generated, at least 1.
	Output int
	// Blocks names the prompt's blocks of BlockTokens tokens, in order:
	// ceil(Input/BlockTokens) ids. An id stands for its block and all blocks
	// before it, so that two prompts are equal, token for token, for as many
	// leading blocks as their ids are. nil where the trace has no ids.
	Blocks []int64
}

// Trace is a list of requests in order of time, the first at 0. It is
// immutable and safe for use by any number of goroutines.
type Trace struct {
	name     string
	notes    []string
	requests []Request
}

// newTrace orders requests by time and lets the first be the start. leftOut is
// the number of rows without tokens, which are not among them.
func newTrace(name string, requests []Request, leftOut int) (*Trace, error) {
	if len(requests) == 0 {
		return nil, fmt.Errorf("no request in it has prompt and answer (%d rows left out)", leftOut)
	}
	t := &Trace{name: name, requests: requests}
	if leftOut > 0 {
		t.notes = append(t.notes, fmt.Sprintf("%d of %d rows have no prompt tokens or no answer tokens (requests that failed) and are left out",
			leftOut, leftOut+len(requests)))
	}
	late, newest := 0, requests[0].At
	for _, r := range requests {
		if r.At < newest {
			late++
		}
		newest = max(newest, r.At)
	}
	if late > 0 {
		sort.SliceStable(requests, func(i, j int) bool { return requests[i].At < requests[j].At })
		t.notes = append(t.notes, fmt.Sprintf("%d of %d requests are not in order of time in the file and were put in it", late, len(requests)))
	}
	start := requests[0].At
	for i := range requests {
		requests[i].At -= start
	}
	return t, nil
}

// Name is the file's base name.
func (t *Trace) Name() string { return t.name }

// Notes are what its user should know of how the file was read, a sentence
// each: rows that were left out, an order that was mended. nil where nothing was.
func (t *Trace) Notes() []string { return slices.Clone(t.notes) }

// Len is the number of requests; at least 1.
func (t *Trace) Len() int { return len(t.requests) }

// At returns request i, 0 <= i < Len; it panics outside of that, as a slice
// does. Its Blocks are the trace's own: not to be written to.
func (t *Trace) At(i int) Request { return t.requests[i] }

// Digest is the SHA-256, in hex, over all requests in order. Two results are of
// the same load when their digests are equal.
func (t *Trace) Digest() string {
	h := sha256.New()
	var buf []byte
	for _, r := range t.requests {
		buf = binary.BigEndian.AppendUint64(buf[:0], uint64(r.At))
		buf = binary.BigEndian.AppendUint64(buf, uint64(r.Input))
		buf = binary.BigEndian.AppendUint64(buf, uint64(r.Output))
		buf = binary.BigEndian.AppendUint64(buf, uint64(len(r.Blocks)))
		for _, b := range r.Blocks {
			buf = binary.BigEndian.AppendUint64(buf, uint64(b))
		}
		h.Write(buf)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Window returns the requests that came at or after from and before to, with
// from as their start. to = 0 means the trace's end.
func (t *Trace) Window(from, to time.Duration) (*Trace, error) {
	if from < 0 || to < 0 || (to != 0 && to <= from) {
		return nil, fmt.Errorf("a window from %v to %v holds no time: give 0 <= from < to", from, to)
	}
	after := func(at time.Duration) int {
		return sort.Search(len(t.requests), func(i int) bool { return t.requests[i].At >= at })
	}
	first, end := after(from), len(t.requests)
	if to != 0 {
		end = after(to)
	}
	if last := t.requests[len(t.requests)-1].At; first >= end {
		span := fmt.Sprintf("from %v to %v", from, to)
		if to == 0 {
			span = fmt.Sprintf("at %v or later", from)
		}
		return nil, fmt.Errorf("no request of trace %s came %s: its last came at %v", t.name, span, last)
	}
	out := slices.Clone(t.requests[first:end])
	for i := range out {
		out[i].At -= from
	}
	return &Trace{name: t.name, notes: t.notes, requests: out}, nil
}

// Scaled returns the trace with its time stretched by factor: 2 is half the
// rate, 0.5 is twice.
func (t *Trace) Scaled(factor float64) (*Trace, error) {
	last := float64(t.requests[len(t.requests)-1].At) * factor
	if !(factor > 0) || last > math.MaxInt64/2 {
		return nil, fmt.Errorf("a trace's time can't be stretched by %v: give a positive number, 0.5 for twice the rate", factor)
	}
	out := slices.Clone(t.requests)
	for i := range out {
		out[i].At = time.Duration(math.Round(float64(out[i].At) * factor))
	}
	return &Trace{name: t.name, notes: t.notes, requests: out}, nil
}
