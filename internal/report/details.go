package report

import (
	"tokenomics/internal/record"
	"tokenomics/internal/results"
)

// detail is a table of figures that not every file has: only the columns of
// which something is known, and no rows where nothing is.
type detail struct {
	Heads []tableHead
	Rows  []tableRow
}

// engineColumns are the engine's own account.
var engineColumns = []column{
	engineColumn("running", "mean", func(e *results.EngineSide) record.Opt[float64] { return e.Running }),
	engineColumn("running", "most", func(e *results.EngineSide) record.Opt[float64] { return e.RunningMax }),
	engineColumn("waiting", "mean", func(e *results.EngineSide) record.Opt[float64] { return e.Waiting }),
	engineColumn("waiting", "most", func(e *results.EngineSide) record.Opt[float64] { return e.WaitingMax }),
	engineColumn("KV cache", "% used, most", func(e *results.EngineSide) record.Opt[float64] { return percent(e.KVUseMax) }),
	engineColumn("prefix hits", "% of tokens", func(e *results.EngineSide) record.Opt[float64] { return percent(e.PrefixHits) }),
	engineColumn("preemptions", "", func(e *results.EngineSide) record.Opt[float64] { return e.Preemptions }),
	engineColumn("queue", "ms, mean", func(e *results.EngineSide) record.Opt[float64] { return e.Queue }),
	engineColumn("TTFT", "ms, mean", func(e *results.EngineSide) record.Opt[float64] { return e.TTFT }),
	engineColumn("E2E", "ms, mean", func(e *results.EngineSide) record.Opt[float64] { return e.E2E }),
	engineColumn("foreign", "tokens", func(e *results.EngineSide) record.Opt[float64] { return e.Foreign }),
}

func engineColumn(head, unit string, of func(*results.EngineSide) record.Opt[float64]) column {
	return column{head: head, unit: unit, of: func(p *results.Point) cell {
		if p.EngineSide == nil {
			return cell{}
		}
		return numberCell(of(p.EngineSide))
	}}
}

// hopColumns are what a proxy in between did.
var hopColumns = []column{
	hopColumn("joined", "requests", func(h *results.Hop) record.Opt[float64] { return record.Some(float64(h.Joined)) }),
	hopColumn("hop, to first token", "ms, mean", func(h *results.Hop) record.Opt[float64] { return h.HopTTFT }),
	hopColumn("hop, to last token", "ms, mean", func(h *results.Hop) record.Opt[float64] { return h.HopE2E }),
	hopColumn("in the proxy's code", "ms, mean", func(h *results.Hop) record.Opt[float64] { return h.Proxy }),
	hopColumn("unattributed", "ms, mean", func(h *results.Hop) record.Opt[float64] { return h.Unattributed }),
	hopColumn("engine, to first token", "ms, mean", func(h *results.Hop) record.Opt[float64] { return h.EngineTTFT }),
	hopColumn("engine, to last token", "ms, mean", func(h *results.Hop) record.Opt[float64] { return h.EngineE2E }),
}

func hopColumn(head, unit string, of func(*results.Hop) record.Opt[float64]) column {
	return column{head: head, unit: unit, of: func(p *results.Point) cell {
		if p.Hop == nil {
			return cell{}
		}
		return numberCell(of(p.Hop))
	}}
}

// toolColumns are what the tool itself did to the figures.
var toolColumns = []column{
	toolColumn("sent late", "ms, p99", func(i *results.Instrument) record.Opt[float64] {
		return statisticCell(i.Lateness, statistics[4]).number
	}),
	toolColumn("timers late", "ms, p99", func(i *results.Instrument) record.Opt[float64] {
		return statisticCell(i.SchedulingLag, statistics[4]).number
	}),
	toolColumn("our CPU", "% of all", func(i *results.Instrument) record.Opt[float64] { return percent(i.CPUShare) }),
	toolColumn("events", "per s", func(i *results.Instrument) record.Opt[float64] { return i.EventsPerS }),
	toolColumn("TTFT error", "ms, p99", func(i *results.Instrument) record.Opt[float64] { return i.TTFTErrorP99 }),
	toolColumn("gap error", "%, p99", func(i *results.Instrument) record.Opt[float64] { return percent(i.GapErrorP99) }),
}

func toolColumn(head, unit string, of func(*results.Instrument) record.Opt[float64]) column {
	return column{head: head, unit: unit, of: func(p *results.Point) cell {
		if p.Instrument == nil {
			return cell{}
		}
		return numberCell(of(p.Instrument))
	}}
}

func percent(share record.Opt[float64]) record.Opt[float64] {
	v, ok := share.Get()
	if !ok {
		return share
	}
	return record.Some(100 * v)
}

func detailed(points results.Points, a axis, columns []column) detail {
	var d detail
	rows := make([]tableRow, len(points))
	for _, c := range columns {
		known := false
		for i := range points {
			known = known || c.of(&points[i]) != cell{}
		}
		if !known {
			continue
		}
		d.Heads = append(d.Heads, tableHead{c.head, c.unit})
		for i := range points {
			rows[i].Label = a.at(&points[i])
			rows[i].Cells = append(rows[i].Cells, c.of(&points[i]).rounded())
		}
	}
	if len(d.Heads) > 0 {
		d.Rows = rows
	}
	return d
}
