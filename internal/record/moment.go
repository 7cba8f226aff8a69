package record

import "time"

// Moment is an Offset in half the memory, for what every open stream holds: 1 ns
// after it, 0 where there is none.
type Moment int64

// At is the Moment of an offset.
func At(d time.Duration) Moment { return Moment(d + 1) }

// Ok says whether there is one.
func (m Moment) Ok() bool { return m != 0 }

// Offset is the same as the Record has it.
func (m Moment) Offset() Offset {
	if !m.Ok() {
		return Offset{}
	}
	return Some(time.Duration(m - 1))
}
