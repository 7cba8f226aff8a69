package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// drainPause is how often a draining engine is asked.
const drainPause = 100 * time.Millisecond

// load is how many requests an engine has.
type load struct{ running, waiting float64 }

// Drain waits until the engine has nothing running and nothing waiting, for
// limit at the longest. word is "" when that is so, else what is to be said:
// what was still there, or why nobody knows. The error is ctx's.
func (e *Engine) Drain(ctx context.Context, limit time.Duration) (word string, err error) {
	end := time.Now().Add(limit)
	for {
		l, known, err := e.load(ctx)
		switch {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case err != nil:
			word = fmt.Sprintf("whether the engine is idle is not known: %v", err)
		case !known:
			return "whether the engine is idle is not known: " + cmp.Or(e.why, "its metrics do not tell how many requests run"), nil
		case l == load{}:
			return "", nil
		default:
			word = fmt.Sprintf("the engine is not idle after %v: %.0f requests run and %.0f wait: somebody else uses it", limit, l.running, l.waiting)
		}
		if time.Until(end) < drainPause {
			return word, nil
		}
		if err := pause(ctx, drainPause); err != nil {
			return "", err
		}
	}
}

// load asks how many requests there are. known is false where the engine has no
// way to tell.
func (e *Engine) load(ctx context.Context) (l load, known bool, err error) {
	if e.name == "sglang" {
		// Its gauges stand still for up to 30 s once it is idle.
		if l, known, err = e.sglangLoad(ctx); known || err != nil {
			return l, known, err
		}
	}
	if e.names != nil {
		r, err := e.read(ctx)
		if err != nil {
			return l, false, err
		}
		run, known := r.gauges[running].Get()
		return load{run, r.gauges[waiting].Or(0)}, known, nil
	}
	if e.name == "llama_cpp" {
		return e.llamaLoad(ctx)
	}
	return l, false, nil
}

// sglangLoad asks the scheduler itself. Older versions have no such path.
func (e *Engine) sglangLoad(ctx context.Context) (l load, known bool, err error) {
	var body struct {
		Loads []struct {
			Running float64 `json:"num_running_reqs"`
			Waiting float64 `json:"num_waiting_reqs"`
		} `json:"loads"`
	}
	known, err = e.get(ctx, "/v1/loads", &body)
	for _, rank := range body.Loads {
		l.running += rank.Running
		l.waiting += rank.Waiting
	}
	return l, known && len(body.Loads) > 0, err
}

// llamaLoad looks at the slots: no request is deferred while one is free.
func (e *Engine) llamaLoad(ctx context.Context) (l load, known bool, err error) {
	var slots []struct {
		Busy bool `json:"is_processing"`
	}
	known, err = e.get(ctx, "/slots", &slots)
	for _, s := range slots {
		if s.Busy {
			l.running++
		}
	}
	return l, known && len(slots) > 0, err
}

// get reads a JSON answer; ok is false where the engine gives none.
func (e *Engine) get(ctx context.Context, path string, into any) (ok bool, err error) {
	a, err := e.ask(ctx, "GET", path, scrapeTimeout)
	if err != nil || a.status != 200 {
		return false, err
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		return false, fmt.Errorf("reading the answer of %s%s: %w", e.pool.Target(), path, err)
	}
	return true, nil
}
