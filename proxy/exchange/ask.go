package exchange

import (
	"tokenomics/internal/record"
	"tokenomics/internal/wire"
)

// reading is how far reading what the request asks for has come.
type reading uint8

const (
	incomplete reading = iota // the request is not whole
	unread
	known
)

// body is what has come of the request's body, where it is read; nil where it is
// not.
func (x *Exchange) body() []byte {
	r := x.req
	switch {
	case r.along && r.gathers:
		return r.up[r.bodyAt:]
	case r.along && r.whole != nil:
		return r.whole
	case r.along, x.requestBytes == 0: // there is none to read
		return []byte{}
	}
	return nil
}

// ask reads what the request asks for, and returns how its body is changed for the
// engine, where it is asked for more than that. A failure of ours costs the
// measurement and not the request.
func (x *Exchange) ask() (edit wire.Splice) {
	defer x.unreadable()
	w := x.req.work
	x.read(x.body())
	if x.env.Ask != nil {
		edit, w.strip = w.query.Edit(x.body(), x.env.Ask(&w.query))
	}
	x.asked = w.strip.Any()
	return edit
}

// read reads the body.
func (x *Exchange) read(body []byte) {
	r := x.req
	r.work.query = wire.ReadQuery(r.method, r.path, body)
	if x.names != nil {
		x.names.id = wire.RequestID(body)
	}
	r.query = known
}

// ready makes what measures the answer, once the request is whole. It is called
// when that is on its way, so that the engine need not wait for it, and by
// whatever comes before.
func (x *Exchange) ready() {
	r := x.req
	if x.relay != nil || r == nil || r.query == incomplete {
		return
	}
	defer x.letGo()
	defer x.unreadable()
	w := r.work
	if r.query == unread {
		x.read(x.body())
	}
	x.measure(w.query, w.strip)
}

// early makes what measures an answer that comes before its request is whole.
func (x *Exchange) early() {
	defer x.unreadable()
	x.measure(wire.ReadQuery(x.req.method, x.req.path, nil), wire.Strip{})
}

// measure makes what measures the answer.
func (x *Exchange) measure(query wire.Query, strip wire.Strip) {
	if x.env.Provider != nil {
		x.facts.provider = x.env.Provider()
	}
	x.relay = wire.NewRelay(wire.Config{Query: query, Timeline: x.env.Timeline, KeepIDs: x.env.Names, Live: x.env.Live}, strip, x.env.Print)
}

// unreadable, deferred, is for a request that reading fails for: nothing is known
// of it but its head.
func (x *Exchange) unreadable() {
	v := recover()
	if v == nil {
		return
	}
	x.failed("reading a request", v)
	query := wire.Query{Request: record.Request{Method: x.req.method, Path: x.req.path}}
	x.relay, x.asked = wire.NewRelay(wire.Config{Query: query}, wire.Strip{}, nil), false
}
