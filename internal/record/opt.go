package record

import "time"

// Opt is a value that may be absent. Its zero value is absent, which is never
// the same as zero: a request with 0 cached tokens is known to have missed the
// cache, one with absent cached tokens is not known to have done anything.
type Opt[T any] struct {
	v  T
	ok bool
}

// Some is the present value v.
func Some[T any](v T) Opt[T] { return Opt[T]{v: v, ok: true} }

// Get is the value and whether there is one.
func (o Opt[T]) Get() (T, bool) { return o.v, o.ok }

// Ok says whether there is a value.
func (o Opt[T]) Ok() bool { return o.ok }

// Or is the value, or fallback where there is none.
func (o Opt[T]) Or(fallback T) T {
	if o.ok {
		return o.v
	}
	return fallback
}

// IsZero lets encoding/json leave an absent value out (omitzero).
func (o Opt[T]) IsZero() bool { return !o.ok }

// Offset is a moment of a request: the time since Record.Start on the
// monotonic clock. It may be negative for what was due before Start.
type Offset = Opt[time.Duration]

// Count is a number of tokens.
type Count = Opt[int64]

// since is b - a, absent when either is absent or b lies before a.
func since(a, b Offset) (time.Duration, bool) {
	if !a.ok || !b.ok || b.v < a.v {
		return 0, false
	}
	return b.v - a.v, true
}
