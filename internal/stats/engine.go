package stats

import (
	"tokenomics/internal/record"
	"tokenomics/internal/sketch"
)

// engineTimes are the distributions, in ms, of what engines tell of single
// requests.
type engineTimes struct {
	queue, load, prefill, decode, compute, all, outside sketch.Sketch
}

func (e *engineTimes) observe(r *record.Record) {
	if r.Engine == nil {
		return
	}
	addMS(&e.queue, r.EngineQueue)
	addMS(&e.load, r.EngineLoad)
	addMS(&e.prefill, r.EnginePrefill)
	addMS(&e.decode, r.EngineDecode)
	addMS(&e.compute, r.EngineCompute)
	addMS(&e.all, r.EngineTime)
	addMS(&e.outside, r.OutsideEngine)
}

// EngineTimes are what engines told of single requests: the figures of
// record.Record with these names, each nil where none told it.
type EngineTimes struct {
	EngineQueue   *Quantiles `json:"engine_queue_ms,omitempty"`
	EngineLoad    *Quantiles `json:"engine_load_ms,omitempty"`
	EnginePrefill *Quantiles `json:"engine_prefill_ms,omitempty"`
	EngineDecode  *Quantiles `json:"engine_decode_ms,omitempty"`
	EngineCompute *Quantiles `json:"engine_compute_ms,omitempty"`
	EngineTime    *Quantiles `json:"engine_ms,omitempty"`
	OutsideEngine *Quantiles `json:"outside_engine_ms,omitempty"`
}

func (e *engineTimes) summary() EngineTimes {
	return EngineTimes{
		EngineQueue: QuantilesOf(&e.queue), EngineLoad: QuantilesOf(&e.load), EnginePrefill: QuantilesOf(&e.prefill),
		EngineDecode: QuantilesOf(&e.decode), EngineCompute: QuantilesOf(&e.compute),
		EngineTime: QuantilesOf(&e.all), OutsideEngine: QuantilesOf(&e.outside),
	}
}
