package export

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
)

// Run is one run of a point: what the formats of other tools hold a file of.
type Run struct {
	Metadata results.Metadata
	Point    *results.Point   // that the run is of
	Run      *results.Run     // its own figures
	Records  []*record.Record // the requests that were measured, in any order; with their Timelines, or there are no lists of gaps
}

// load is what the point asked for; the zero value where that is not told.
func (r Run) load() results.Load {
	if r.Point.Load == nil {
		return results.Load{}
	}
	return *r.Point.Load
}

// ordered are the Records in the order their requests were due.
func (r Run) ordered() []*record.Record {
	list := slices.Clone(r.Records)
	slices.SortStableFunc(list, func(a, b *record.Record) int {
		return cmp.Or(a.Start.Compare(b.Start), strings.Compare(a.RequestID, b.RequestID))
	})
	return list
}

// endpoint is what the requests asked for; "" where there were none.
func (r Run) endpoint() string {
	if len(r.Records) == 0 {
		return ""
	}
	return r.Records[0].Endpoint
}

// seconds is the run's length: the time in which its tokens came, as all our
// rates have it, or, where no request succeeded, until the last had failed.
func (r Run) seconds() float64 {
	if s, ok := r.Run.ElapsedTime.Get(); ok {
		return s
	}
	var last time.Duration
	for _, rec := range r.Records {
		last = max(last, rec.Start.Add(rec.End.Or(0)).Sub(r.Run.Start))
	}
	return last.Seconds()
}

// failure is what went wrong with a request, in words; "" for a good one.
func failure(r *record.Record) string {
	switch {
	case r.Outcome == record.Complete:
		return ""
	case r.Error != "":
		return r.Error
	}
	return string(r.Outcome)
}

// oneStream says whether the Record's Timeline is that of one stream of
// tokens, so that what lies between its events are gaps.
func oneStream(r *record.Record) bool { return len(r.Choices) <= 1 && r.N <= 1 }

// gaps are the times between the token events of a stream.
func gaps(r *record.Record) []time.Duration {
	list := []time.Duration{}
	if !oneStream(r) {
		return list
	}
	for i := 1; i < len(r.Timeline); i++ {
		list = append(list, r.Timeline[i].At-r.Timeline[i-1].At)
	}
	return list
}

func write(w io.Writer, what string, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("writing the results as %s: %w", what, err)
	}
	return nil
}
