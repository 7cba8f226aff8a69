package wire

import (
	"time"

	"tokenomics/internal/record"
)

// moment is a record.Offset in half the memory, of which every open stream holds
// some: 1 ns after it, 0 where there is none.
type moment int64

func momentOf(at time.Duration) moment { return moment(at + 1) }

func (m moment) ok() bool { return m != 0 }

func (m moment) offset() record.Offset {
	if !m.ok() {
		return record.Offset{}
	}
	return record.Some(time.Duration(m - 1))
}
