package report

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"tokenomics/internal/record"
	"tokenomics/internal/stats"
)

// Row is one line of a Table: a point of a sweep, or a run of it.
type Row struct {
	Label   string // of the point: "8"
	Summary stats.Summary
}

// absent stands where there is no data, so that it can't be read as zero.
const absent = "-"

// columns are in reading order: how much was asked, what went wrong, what came
// of it together, then of one request.
var columns = []struct {
	head, unit string
	cell       func(Row) string
}{
	{"requests", "", func(r Row) string { return strconv.Itoa(r.Summary.Requests) }},
	{"failed", "", func(r Row) string { return strconv.Itoa(r.Summary.Failed) }},
	{"input", "tokens", func(r Row) string { return count(r.Summary.InputTokens) }},
	{"output", "tokens", func(r Row) string { return count(r.Summary.OutputTokens) }},
	{"requests", "per s", func(r Row) string { return number(r.Summary.RequestsPS.Get()) }},
	{"input", "tok/s", func(r Row) string { return number(r.Summary.InputTokS.Get()) }},
	{"system", "tok/s", func(r Row) string { return number(r.Summary.OutputTokS.Get()) }},
	{"request", "tok/s", func(r Row) string { return mean(r.Summary.RequestTokS) }},
	{"TTFT", "p50 ms", func(r Row) string { return p50(r.Summary.TTFT) }},
	{"TTFT", "p99 ms", func(r Row) string { return p99(r.Summary.TTFT) }},
	{"TPOT", "p50 ms", func(r Row) string { return p50(r.Summary.TPOT) }},
	{"E2E", "p50 ms", func(r Row) string { return p50(r.Summary.E2E) }},
	{"E2E", "p99 ms", func(r Row) string { return p99(r.Summary.E2E) }},
}

// Table writes one line per row under two lines of head, columns aligned.
// label heads the first column: what the rows' labels are ("batch").
func Table(w io.Writer, label string, rows []Row) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	lines := [][]string{{label}, {""}}
	for _, r := range rows {
		lines = append(lines, []string{r.Label})
	}
	for i, c := range columns {
		if !shown(i, label, rows) {
			continue
		}
		lines[0], lines[1] = append(lines[0], c.head), append(lines[1], c.unit)
		for k, r := range rows {
			lines[2+k] = append(lines[2+k], c.cell(r))
		}
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(tw, strings.Join(l, "\t")+"\t"); err != nil {
			return fmt.Errorf("writing the table: %w", err)
		}
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}

// shown says whether a column has a place. Requests per second are those of an
// open loop and of what makes no output tokens, such as embeddings; input tokens
// per second of the latter alone, which has nothing of output.
func shown(column int, label string, rows []Row) bool {
	mute := len(rows) > 0
	for _, r := range rows {
		mute = mute && r.Summary.OutputTokens.Or(0) == 0 && r.Summary.Succeeded > 0
	}
	switch c := columns[column]; c.head + " " + c.unit {
	case "requests per s":
		return mute || label == "rate"
	case "input tok/s":
		return mute
	case "output tokens", "system tok/s", "request tok/s", "TTFT p50 ms", "TTFT p99 ms", "TPOT p50 ms":
		return !mute
	}
	return true
}

func count(c record.Count) string {
	n, ok := c.Get()
	if !ok {
		return absent
	}
	return strconv.FormatInt(n, 10)
}

func mean(q *stats.Quantiles) string {
	if q == nil {
		return absent
	}
	return number(q.Mean, true)
}

func p50(q *stats.Quantiles) string {
	if q == nil {
		return absent
	}
	return number(q.P50, true)
}

func p99(q *stats.Quantiles) string {
	if q == nil {
		return absent
	}
	return number(q.P99, true)
}

// number shows three significant digits of what is small and whole numbers of
// what is large: the fourth digit of a latency is noise.
func number(v float64, ok bool) string {
	if !ok {
		return absent
	}
	decimals := 0
	switch size := math.Abs(v); {
	case size < 1:
		decimals = 3
	case size < 10:
		decimals = 2
	case size < 100:
		decimals = 1
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}
