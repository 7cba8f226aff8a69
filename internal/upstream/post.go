package upstream

import (
	"context"
	"fmt"

	"github.com/valyala/fasthttp"
)

// Post sends JSON to a path of the engine and returns the status of its answer,
// which is not kept. authorization is the value of that header field, "" for
// none. The time that ctx gives bounds all of it.
func (p *Pool) Post(ctx context.Context, path, authorization string, body []byte) (status int, err error) {
	c, err := p.Get(ctx)
	if err != nil {
		return 0, err
	}
	req := fasthttp.AcquireRequest()
	defer fasthttp.ReleaseRequest(req)
	req.Header.SetMethod("POST")
	req.Header.SetHost(p.target.Host())
	req.Header.SetRequestURI(p.target.Prefix + path)
	req.Header.SetContentType("application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	req.SetBodyRaw(body)
	w, err := c.Fetch(ctx, req, probeBody)
	if err != nil {
		return 0, fmt.Errorf("asking %s%s: %w", p.target, path, err)
	}
	return w.Status, nil
}
