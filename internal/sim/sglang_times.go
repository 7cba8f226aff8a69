package sim

import "time"

// appendScheduled appends what --enable-metrics adds to the meta_info of every
// event, in seconds and moments of the wall clock.
func (g sglangGenerate) appendScheduled(dst []byte, p *plan, c *choice) []byte {
	if !g.cfg.RequestMetrics {
		return dst
	}
	dst = appendFloat(dst, `,"forward_entry_time":`, p.wall(p.queued))
	dst = appendFloat(dst, `,"prefill_finished_time":`, p.wall(p.queued+p.toldAt(c, 1)))
	dst = appendFloat(dst, `,"queue_time":`, p.queued.Seconds())
	return append(dst, `,"prefill_waiting_latency":null,"prefill_launch_latency":null`...)
}

// appendFinished appends what is told of the whole request at its end.
func (g sglangGenerate) appendFinished(dst []byte, p *plan, c *choice) []byte {
	prefill, decode := c.phases(p.told)
	end := prefill + decode
	dst = appendFloat(dst, `,"e2e_latency":`, (p.queued + end).Seconds())
	if !g.cfg.RequestMetrics {
		return dst
	}
	dst = appendFloat(dst, `,"request_received_ts":`, p.wall(0))
	dst = appendFloat(dst, `,"request_finished_ts":`, p.wall(p.queued+end))
	dst = appendFloat(dst, `,"inference_time":`, end.Seconds())
	if decode > 0 {
		dst = appendFloat(dst, `,"decode_throughput":`, float64(len(c.tokens))/decode.Seconds())
	}
	return dst
}

// wall is the moment d after the request was received, in seconds.
func (p *plan) wall(d time.Duration) float64 {
	return float64(p.received.Add(d).UnixNano()) / 1e9
}
