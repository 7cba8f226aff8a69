package proxy

import (
	"encoding/json"
	"time"

	"github.com/valyala/fasthttp"
)

// Admin is the proxy's own page of health and metrics, for a listener of its
// own: what it tells is for operators, not for clients. metrics answers
// /metrics; nil leaves that out.
func (p *Proxy) Admin(metrics fasthttp.RequestHandler) *fasthttp.Server {
	return &fasthttp.Server{
		Handler: func(ctx *fasthttp.RequestCtx) {
			switch path := string(ctx.Path()); {
			case path == "/healthz":
				ctx.SetBodyString("ok\n")
			case path == "/readyz":
				p.readyz(ctx)
			case path == "/metrics" && metrics != nil:
				metrics(ctx)
			default:
				ctx.Error("not found: /metrics, /healthz and /readyz are here\n", fasthttp.StatusNotFound)
			}
		},
		ReadTimeout:           10 * time.Second,
		WriteTimeout:          30 * time.Second,
		IdleTimeout:           time.Minute,
		NoDefaultServerHeader: true,
		Concurrency:           256,
		Logger:                quiet{p.log},
	}
}

// readyz says whether requests can be served: 200 when the engine has been
// reached and the proxy is not draining, else 503 and why.
func (p *Proxy) readyz(ctx *fasthttp.RequestCtx) {
	ready, why := p.verdict.ready()
	if p.isDraining() {
		ready, why = false, "draining"
	}
	engine := p.verdict.engine()
	b, err := json.Marshal(struct {
		Ready    bool   `json:"ready"`
		Why      string `json:"why,omitempty"`
		Upstream string `json:"upstream"`
		Engine   string `json:"engine"`
		Usage    string `json:"usage"`
		InFlight int    `json:"in_flight"`
	}{ready, why, p.cfg.Upstream.String(), engine.String(), p.verdict.describe(), p.Running()})
	if err != nil {
		ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
		return
	}
	if !ready {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(b, '\n'))
}
