package upstream

import (
	"context"
	"fmt"
	"io"
	"time"

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
	defer c.Release()
	if limit, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(limit); err != nil {
			return 0, err
		}
		defer func() { _ = c.SetDeadline(time.Time{}) }() // of no matter where it has failed
	}
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod("POST")
	req.Header.SetHost(p.target.Host())
	req.Header.SetRequestURI(p.target.Prefix + path)
	req.Header.SetContentType("application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	req.SetBodyRaw(body)
	err = c.Send(req)
	if err == nil {
		err = c.ReadHead(resp)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(readerOnly{c}, probeBody))
	}
	if err != nil {
		c.NoReuse()
		return 0, fmt.Errorf("asking %s%s: %w", p.target, path, err)
	}
	return resp.StatusCode(), nil
}
