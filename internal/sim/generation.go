package sim

import (
	"errors"
	"strings"
	"time"
)

// generation answers a request that needs a slot, and keeps its books.
func (x *exchange) generation(rt route) {
	number := x.s.number.Add(1)
	x.truth = Truth{
		RequestID: string(x.req.Header.Peek("X-Request-Id")), Number: number, Dialect: x.s.cfg.Dialect,
		Endpoint: rt.endpoint.name(), ReceivedUnixNS: x.received.UnixNano(), Outcome: TruthComplete,
	}
	defer x.keepBooks()
	r, apiErr := x.ask(rt)
	if apiErr == nil {
		r.id = x.truth.RequestID
		x.truth.Model, x.truth.Stream = r.model, r.stream
		apiErr = x.s.dialect.check(r)
	}
	if apiErr == nil {
		apiErr = r.fits(x.s.cfg.MaxModelLen)
	}
	if apiErr == nil {
		apiErr = x.drawFaults(number)
	}
	if apiErr != nil {
		x.refuse(apiErr)
		return
	}
	x.w = x.c.watch()
	defer x.w.end()
	if err := x.run(r, number); err != nil {
		x.closing = true
		if x.truth.Outcome == TruthComplete {
			x.truth.Outcome = TruthClientGone
		}
	}
}

// ask reads what the request asks.
func (x *exchange) ask(rt route) (*request, *apiError) {
	contentType := string(x.req.Header.ContentType())
	if rt.endpoint == audio {
		return x.readForm(rt)
	}
	if x.s.dialect.traits().wantsJSON && !strings.Contains(contentType, "application/json") {
		return nil, &apiError{status: 400, kind: "Bad Request", msg: "Unsupported Media Type: Only 'application/json' is allowed"}
	}
	return parseRequest(rt, x.req.Body())
}

func (x *exchange) drawFaults(number uint64) *apiError {
	var err error
	x.faults, err = x.s.cfg.rollFaults(string(x.req.Header.Peek(FaultHeader)), number)
	if err != nil {
		return badRequest(FaultHeader, "%s", err)
	}
	x.truth.Faults = x.faults.names()
	if f, ok := x.faults.get("status"); ok {
		return &apiError{status: f.N, kind: "SimulatedFault", msg: "This failure was ordered of the simulator: " + f.String()}
	}
	return nil
}

// run plans the generation, waits for a slot and answers. An error means that
// the client could not be served to the end.
func (x *exchange) run(r *request, number uint64) error {
	p := x.plan(r)
	st := newStream(x, p) // nil for an answer in one body
	if st != nil {
		if err := st.announce(); err != nil {
			return err
		}
	}
	j := x.s.jobs.add(p.ids)
	x.stop = j.stop
	sl, err := x.s.queue.acquire(x.w.gone, j.stop)
	if err != nil {
		x.s.jobs.forget(j)
	}
	switch {
	case errors.Is(err, errQueueFull):
		return x.queueFull(p, st)
	case errors.Is(err, errStopped):
		return x.stopped(p, st)
	case err != nil:
		return err
	}
	admitted := x.s.now()
	x.truth.AdmittedNS = x.since(admitted)
	x.admit(p, admitted, number)
	x.s.jobs.start(j, sl, func() { x.account.close(x.s.now().Sub(admitted)) })
	defer func() { x.leave(sl, p, admitted) }()
	if st != nil {
		if err := st.admitted(admitted); err != nil {
			return err
		}
	}
	if x.faults.has("hang") {
		return x.hang(p, st)
	}
	sl.releaseAfter(p.end())
	if st != nil {
		return st.run()
	}
	return x.answer(p, admitted)
}

// admit decides when what will be said.
func (x *exchange) admit(p *plan, admitted time.Time, number uint64) {
	for i, pr := range p.req.prompts {
		p.cached[i] = x.s.cache.lookup(p.req.salt, pr.ids)
		x.truth.CachedTokens += p.cached[i]
	}
	stall, _ := x.faults.get("stall")
	running, _ := x.s.queue.load()
	p.schedule(&x.s.cfg, number, running, stall.D)
	p.received = time.Unix(p.created, 0)
	if !x.s.cfg.Deterministic {
		p.received, p.queued = x.received, admitted.Sub(x.received)
	}
	x.account = x.s.openAccount(p, admitted.Sub(x.received))
	x.account.hung = x.faults.has("hang")
}

func (x *exchange) plan(r *request) *plan {
	p := newPlan(&x.s.cfg, r)
	if f, ok := x.faults.get("abort"); ok {
		p.abort(f.N)
	}
	p.created = x.s.created()
	r.format.identify(p, x.s.key(r))
	if len(p.ids) == 0 {
		p.ids = []string{p.id}
	}
	x.truth.ResponseID = p.id
	x.truth.PromptTokens = p.promptTokens()
	x.truth.PlannedTokens = p.completionTokens()
	x.truth.Choices = make([]TruthChoice, len(p.choices))
	for i := range x.truth.Choices {
		x.truth.Choices[i].Index = i
	}
	return p
}

// leave gives the slot back: at once when all went well, a while later when the
// client left and the engine is slow to notice, never after the plan's end.
func (x *exchange) leave(sl *slot, p *plan, admitted time.Time) {
	x.bookTimes(p)
	if x.w.left() && !x.faults.has("hang") {
		rest := admitted.Add(p.end()).Sub(x.s.now())
		sl.releaseAfter(min(x.s.cfg.AbortDelay, rest))
		return
	}
	sl.releaseAfter(0)
}

// hang answers nothing until the client leaves, or someone stops the request.
func (x *exchange) hang(p *plan, st *stream) error {
	select {
	case <-x.w.gone:
		return errGone
	case <-x.stop:
		return x.stopped(p, st)
	}
}

// stopped answers a request that the engine was told to stop before it began.
func (x *exchange) stopped(p *plan, st *stream) error {
	x.bookStop()
	if st != nil {
		return st.cutShort()
	}
	p.cutAt(-1)
	return x.tell(p)
}

// prefilled is called when the first token is due: the prompts are computed.
func (x *exchange) prefilled(p *plan) {
	for _, pr := range p.req.prompts {
		x.s.cache.store(p.req.salt, pr.ids)
	}
	x.account.fill()
}

func (x *exchange) queueFull(p *plan, st *stream) error {
	e, asStatus := x.s.dialect.queueFull(x.endpoint, p.req.stream)
	if st == nil || asStatus && x.truth.HeadNS == 0 {
		x.refuse(e)
		return nil
	}
	x.truth.Outcome = TruthRefused
	return st.fail(e)
}

// answer waits for the whole generation and writes its body.
func (x *exchange) answer(p *plan, admitted time.Time) error {
	err := x.wait(admitted.Add(p.times[0]))
	if err == nil {
		x.prefilled(p)
		err = x.wait(admitted.Add(p.end()))
	}
	if errors.Is(err, errStopped) {
		x.bookStop()
		p.cutAt(x.s.now().Sub(admitted))
		err = nil
	}
	if err != nil {
		return err
	}
	if x.faults.has("error-event") {
		x.refuse(simulatedFailure())
		return nil
	}
	return x.tell(p)
}

// tell writes the plan's body.
func (x *exchange) tell(p *plan) error {
	body := p.req.format.appendBody(nil, p)
	if x.faults.has("garbage") {
		body = body[:len(body)/2]
	}
	size := len(body)
	h := head{status: 200, contentType: x.s.dialect.traits().jsonType}
	if f, ok := p.req.format.(headed); ok {
		var measured bool
		if h.contentType, h.headers, measured = f.head(p); !measured {
			h.length = unknownLength
		}
	}
	out, d, err := x.deliverWhole(h, body)
	if err != nil {
		return err
	}
	if x.faults.has("cut") || x.faults.has("reset") {
		err := x.write(out[:len(out)/2])
		x.breakOff(x.faults.has("reset"))
		return err
	}
	end, err := d.end()
	if err == nil {
		err = x.write(append(out, end...))
	}
	if err != nil {
		return err
	}
	x.bookBody(p, size)
	return nil
}

func simulatedFailure() *apiError {
	return &apiError{status: 500, kind: "InternalServerError", msg: "This failure was ordered of the simulator: error-event"}
}
