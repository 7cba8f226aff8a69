package proxy

import (
	"encoding/json"
	"time"

	"github.com/valyala/fasthttp"
)

// Admin is the page of health and metrics of the proxies in one process, for a
// listener of its own: what it tells is for operators, not for clients. metrics
// answers /metrics; nil leaves that out.
func Admin(proxies []*Proxy, metrics fasthttp.RequestHandler) *fasthttp.Server {
	return &fasthttp.Server{
		Handler: func(ctx *fasthttp.RequestCtx) {
			switch path := string(ctx.Path()); {
			case path == "/healthz":
				ctx.SetBodyString("ok\n")
			case path == "/readyz":
				readyz(ctx, proxies)
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
		Logger:                quiet{proxies[0].log},
	}
}

// readiness is what a proxy tells of itself on /readyz.
type readiness struct {
	Ready    bool   `json:"ready"`
	Why      string `json:"why,omitempty"`
	Upstream string `json:"upstream"`
	Engine   string `json:"engine"`
	Usage    string `json:"usage"`
	InFlight int    `json:"in_flight"`
}

// readiness: a proxy is ready when its engine has been reached and it is not
// draining.
func (p *Proxy) readiness() readiness {
	ready, why := p.verdict.ready()
	if p.draining.Load() {
		ready, why = false, "draining"
	}
	return readiness{ready, why, p.cfg.Upstream.String(), p.verdict.engine().String(), p.verdict.describe(), p.Running()}
}

// readyz says whether requests can be served: 200 when all proxies are ready,
// else 503 and why. Several are listed as routes.
func readyz(ctx *fasthttp.RequestCtx, proxies []*Proxy) {
	all := struct {
		Ready  bool        `json:"ready"`
		Routes []readiness `json:"routes"`
	}{Ready: true}
	for _, p := range proxies {
		one := p.readiness()
		all.Ready = all.Ready && one.Ready
		all.Routes = append(all.Routes, one)
	}
	var page any = all
	if len(proxies) == 1 {
		page = all.Routes[0]
	}
	b, err := json.Marshal(page)
	if err != nil {
		ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
		return
	}
	if !all.Ready {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(b, '\n'))
}
