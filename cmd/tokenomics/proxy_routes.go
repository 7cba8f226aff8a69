package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"tokenomics/internal/upstream"
)

// route is one address that clients connect to, and the engine behind it.
type route struct {
	flag   string // what its address was given with
	listen string
	target upstream.Target
}

// routes are the pairs of --route, else the one of --listen and --upstream.
func (o *proxyOptions) routes() ([]route, error) {
	fromEnvironment := !o.given("route")
	if len(o.route) > 0 && (o.given("listen") || o.given("upstream")) && !fromEnvironment {
		return nil, errors.New("--route has an address and an upstream of its own: leave out --listen and --upstream")
	}
	var routes []route
	if len(o.route) == 0 || fromEnvironment && (o.given("listen") || o.given("upstream")) {
		r, err := newRoute("--listen", o.listen, "--upstream", o.upstream)
		if err != nil {
			return nil, err
		}
		routes = append(routes, r)
	} else {
		for _, pair := range strings.Fields(strings.Join(o.route, " ")) { // of the environment come several in one
			listen, server, ok := strings.Cut(pair, "=")
			if !ok {
				return nil, fmt.Errorf("--route %q is no pair: write listen=upstream, such as 127.0.0.1:8000=http://localhost:8001", pair)
			}
			r, err := newRoute("--route", listen, "--route", server)
			if err != nil {
				return nil, err
			}
			routes = append(routes, r)
		}
	}
	return routes, o.checkTogether(routes)
}

func newRoute(listenFlag, listen, upstreamFlag, server string) (route, error) {
	target, err := upstream.ParseTarget(server)
	if err != nil {
		return route{}, fmt.Errorf("%s: %w", upstreamFlag, err)
	}
	if strings.HasSuffix(target.Prefix, "/v1") {
		return route{}, fmt.Errorf("%s %s ends in /v1, which is in every client's path already: write %s", upstreamFlag, server, target.Root())
	}
	r := route{flag: listenFlag, listen: listen, target: target}
	if path, unix := upstream.UnixPath(listen); unix {
		r.listen = "unix:" + path
		if err := upstream.CheckUnixPath(path); err != nil {
			return route{}, fmt.Errorf("%s: %w", listenFlag, err)
		}
	} else if _, _, err := net.SplitHostPort(listen); err != nil || strings.HasPrefix(listen, "unix:") {
		return route{}, fmt.Errorf("%s %q is no address: write host:port, such as 127.0.0.1:8080, or unix:/run/tokenomics.sock", listenFlag, listen)
	}
	return r, nil
}

// checkTogether finds routes that can't stand beside each other.
func (o *proxyOptions) checkTogether(routes []route) error {
	for i, r := range routes {
		for j, other := range routes {
			switch {
			case r.target.Addr == other.listen && len(routes) == 1:
				return fmt.Errorf("--upstream %s is the proxy's own address: give the engine's", o.upstream)
			case r.target.Addr == other.listen:
				return fmt.Errorf("--route %s=%s leads back to the proxy's own address: give the engine's", r.listen, r.target)
			case i < j && r.listen == other.listen && !strings.HasSuffix(r.listen, ":0"):
				return fmt.Errorf("--route has two upstreams for %s: give each an address of its own", r.listen)
			}
		}
	}
	onNetwork := func(r route) bool { return !strings.HasPrefix(r.listen, "unix:") }
	if o.tlsCert+o.tlsKey != "" && !slices.ContainsFunc(routes, onNetwork) {
		return errors.New("--tls-cert is for addresses on the network, and unix sockets stay plain: leave it out")
	}
	return o.trust(routes)
}

// trust says for every https engine how it is known to be the right one.
func (o *proxyOptions) trust(routes []route) error {
	targets := make([]*upstream.Target, len(routes))
	for i := range routes {
		targets[i] = &routes[i].target
	}
	return trust(o.upstreamCA, o.upstreamInsecure, targets...)
}

// trust says for every target over https how it is known to be the right one.
func trust(ca string, insecure bool, targets ...*upstream.Target) error {
	if ca == "" && !insecure {
		return nil
	}
	if ca != "" && insecure {
		return errors.New("--upstream-insecure trusts anybody, and --upstream-ca only some: give one of them")
	}
	secure := func(t *upstream.Target) bool { return t.Scheme == "https" }
	if !slices.ContainsFunc(targets, secure) {
		return errors.New("--upstream-ca and --upstream-insecure are about TLS: give an address with https://")
	}
	config := upstream.TrustAnybody()
	if !insecure {
		var err error
		if config, err = upstream.TrustOnly(ca); err != nil {
			return fmt.Errorf("--upstream-ca: %w", err)
		}
	}
	for _, t := range targets {
		if secure(t) {
			t.TLS = config
		}
	}
	return nil
}
