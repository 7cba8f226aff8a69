package loadgen

import (
	"tokenomics/internal/record"
	"tokenomics/internal/stats"
)

// Progress is told how a sweep goes. Calls come one at a time; they must not
// block for long, because the run they tell of waits for them.
type Progress interface {
	// Begin: the next requests belong to run (from 1) of point; run 0 is the
	// warm-up. requests is how many are planned, 0 when that is not known.
	Begin(point string, run, requests int)
	// Request: one has ended.
	Request(r *record.Record)
	// End: the run is over and came to s. It is not called for the warm-up.
	End(point string, run int, s stats.Summary)
	// Warning: something that whoever reads the figures must know.
	Warning(text string)
}

// quiet is the Progress of a sweep that nobody watches.
type quiet struct{}

func (quiet) Begin(string, int, int)         {}
func (quiet) Request(*record.Record)         {}
func (quiet) End(string, int, stats.Summary) {}
func (quiet) Warning(string)                 {}

var _ Progress = quiet{}
