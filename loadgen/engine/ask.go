package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/valyala/fasthttp"

	"tokenomics/internal/upstream"
)

const (
	// scrapeTimeout bounds one question: an engine under load takes its time,
	// and what comes later is no figure of this second any more.
	scrapeTimeout = 2 * time.Second
	// answerLimit is far above what engines tell: vLLM's metrics are 50 kB an
	// engine rank.
	answerLimit = 16 << 20
)

type answer struct {
	status int
	body   []byte
}

// ask sends a request without a body to a path of the server, once more where a
// kept connection turns out to be dead. Any status is an answer.
func (e *Engine) ask(ctx context.Context, method, path string, timeout time.Duration) (a answer, err error) {
	asking, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c, err := e.pool.Get(asking)
	if err != nil {
		return a, err
	}
	if a, err = e.exchange(asking, c, method, path); err != nil && c.FoundDead() {
		if c, err = e.pool.Dial(asking); err != nil {
			return a, err
		}
		a, err = e.exchange(asking, c, method, path)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		err = ctx.Err()
	case err != nil && asking.Err() != nil:
		err = fmt.Errorf("no answer within %v", timeout)
	case len(a.body) > answerLimit:
		err = fmt.Errorf("the answer is longer than %d MiB", answerLimit>>20)
	}
	if err != nil {
		return answer{}, fmt.Errorf("asking %s%s: %w", e.pool.Target(), path, err)
	}
	return a, nil
}

// exchange asks over c, and gives it back or closes it.
func (e *Engine) exchange(ctx context.Context, c *upstream.Conn, method, path string) (answer, error) {
	req := fasthttp.AcquireRequest()
	defer fasthttp.ReleaseRequest(req)
	target := e.pool.Target()
	req.Header.SetMethod(method)
	req.Header.SetHost(target.Host())
	req.Header.SetRequestURI(target.Prefix + path)
	if e.key != "" {
		req.Header.Set("Authorization", "Bearer "+e.key)
	}
	w, err := c.Fetch(ctx, req, answerLimit+1)
	return answer{w.Status, w.Body}, err
}

// pause waits before the engine is asked again. The error is ctx's.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
