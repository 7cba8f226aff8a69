package sim

import (
	"slices"
	"strconv"
	"sync"
	"time"
)

// latencyBuckets are a few of those that engines have, in seconds.
func latencyBuckets() []float64 {
	return []float64{0.001, 0.01, 0.1, 0.3, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 960}
}

// histogram counts durations. Its zero value is empty.
type histogram struct {
	mu      sync.Mutex // protects what follows
	buckets [13]uint64 // of latencyBuckets, each without those below it
	count   uint64
	sum     time.Duration
}

func (h *histogram) observe(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i, _ := slices.BinarySearch(latencyBuckets(), d.Seconds()); i < len(h.buckets) {
		h.buckets[i]++
	}
	h.count++
	h.sum += d
}

// appendTo appends the series of the histogram; labels are without braces.
func (h *histogram) appendTo(dst []byte, name, labels string) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := func(suffix, more string) {
		dst = append(dst, name+suffix+"{"+labels+more+"} "...)
	}
	var below uint64
	for i, bound := range latencyBuckets() {
		below += h.buckets[i]
		line("_bucket", `,le="`+strconv.FormatFloat(bound, 'g', -1, 64)+`"`)
		dst = append(strconv.AppendUint(dst, below, 10), '\n')
	}
	line("_bucket", `,le="+Inf"`)
	dst = append(strconv.AppendUint(dst, h.count, 10), '\n')
	line("_count", "")
	dst = append(strconv.AppendUint(dst, h.count, 10), '\n')
	line("_sum", "")
	return append(strconv.AppendFloat(dst, h.sum.Seconds(), 'g', -1, 64), '\n')
}

// spans are the parts of the requests' time.
type spans struct{ queue, prefill, decode, ttft, e2e histogram }

// reasons are why an engine ends a request of its own accord.
func reasons() []string { return []string{"stop", "length", "abort"} }

// finishes counts requests by the reason of their end. Its zero value is empty.
type finishes struct {
	mu     sync.Mutex // protects counts
	counts [3]uint64  // of reasons
}

func (f *finishes) add(reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[slices.Index(reasons(), reason)]++
}

func (f *finishes) all() [3]uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts
}
