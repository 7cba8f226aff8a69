package sim

import (
	"errors"
	"strings"
	"time"
)

// generation answers a request that needs a slot, and keeps its books.
func (x *exchange) generation(ep endpoint) {
	number := x.s.number.Add(1)
	x.truth = Truth{
		RequestID: string(x.req.Header.Peek("X-Request-Id")), Number: number, Dialect: x.s.cfg.Dialect,
		Endpoint: string(ep), ReceivedUnixNS: x.received.UnixNano(), Outcome: TruthComplete,
	}
	defer x.keepBooks()
	if !strings.Contains(string(x.req.Header.ContentType()), "application/json") {
		x.refuse(&apiError{status: 400, kind: "Bad Request", msg: "Unsupported Media Type: Only 'application/json' is allowed"})
		return
	}
	r, apiErr := parseRequest(ep, x.req.Body())
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
	d := x.s.dialect
	if r.stream && d.traits().headersFirst {
		if err := x.writeHead(200, typeSSE, chunkedLength); err != nil {
			return err
		}
	}
	sl, err := x.s.queue.acquire(x.w.gone)
	if errors.Is(err, errQueueFull) {
		return x.queueFull(r)
	}
	if err != nil {
		return err
	}
	admitted := x.s.now()
	x.truth.AdmittedNS = x.since(admitted)
	defer func() { x.leave(sl, p, admitted) }()

	for i, pr := range r.prompts {
		p.cached[i] = x.s.cache.lookup(r.salt, pr.ids)
		x.truth.CachedTokens += p.cached[i]
	}
	stall, _ := x.faults.get("stall")
	running, _ := x.s.queue.load()
	p.schedule(&x.s.cfg, number, running, stall.D)
	if x.faults.has("hang") {
		<-x.w.gone
		return errGone
	}
	sl.releaseAfter(p.end())
	if r.stream {
		return (&stream{x: x, p: p, start: admitted}).run()
	}
	return x.answer(p, admitted)
}

func (x *exchange) plan(r *request) *plan {
	var p *plan
	if r.endpoint == embeddings {
		p = &plan{req: r, cached: make([]int, len(r.prompts))}
	} else {
		p = newPlan(&x.s.cfg, r)
	}
	if f, ok := x.faults.get("abort"); ok {
		p.abort(f.N)
	}
	p.created = x.s.created()
	x.s.dialect.identify(p, x.s.key(r))
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
	if x.w.left() && !x.faults.has("hang") {
		rest := admitted.Add(p.end()).Sub(x.s.now())
		sl.releaseAfter(min(x.s.cfg.AbortDelay, rest))
		return
	}
	sl.releaseAfter(0)
}

// prefilled is called when the first token is due: the prompts are computed.
func (x *exchange) prefilled(p *plan) {
	for i, pr := range p.req.prompts {
		x.s.cache.store(p.req.salt, pr.ids)
		x.s.prompted.Add(uint64(len(pr.ids)))
		x.s.cached.Add(uint64(p.cached[i]))
	}
}

func (x *exchange) queueFull(r *request) error {
	e, asStatus := x.s.dialect.queueFull(r.stream)
	if asStatus && x.truth.HeadNS == 0 {
		x.refuse(e)
		return nil
	}
	x.truth.Outcome = TruthRefused
	st := &stream{x: x, p: &plan{req: r}, start: x.s.now()}
	return st.fail(e)
}

// answer waits for the whole generation and writes its body.
func (x *exchange) answer(p *plan, admitted time.Time) error {
	if err := x.wait(admitted.Add(p.times[0])); err != nil {
		return err
	}
	x.prefilled(p)
	if err := x.wait(admitted.Add(p.end())); err != nil {
		return err
	}
	if x.faults.has("error-event") {
		x.refuse(simulatedFailure())
		return nil
	}
	var body []byte
	if p.req.endpoint == embeddings {
		body = x.s.dialect.appendEmbeddings(nil, p)
	} else {
		body = x.s.dialect.appendBody(nil, p)
	}
	if x.faults.has("garbage") {
		body = body[:len(body)/2]
	}
	if err := x.writeHead(200, typeJSON, len(body)); err != nil {
		return err
	}
	if x.faults.has("cut") || x.faults.has("reset") {
		err := x.write(body[:len(body)/2])
		x.breakOff(x.faults.has("reset"))
		return err
	}
	if err := x.write(body); err != nil {
		return err
	}
	x.bookBody(p, len(body))
	return nil
}

func simulatedFailure() *apiError {
	return &apiError{status: 500, kind: "InternalServerError", msg: "This failure was ordered of the simulator: error-event"}
}

func (x *exchange) bookBody(p *plan, size int) {
	t := &x.truth
	t.Events = append(t.Events, TruthEvent{AtNS: x.since(x.s.now()), Kind: EventBody, Tokens: p.completionTokens(), Bytes: size})
	t.CompletionTokens, t.ReasoningTokens = p.completionTokens(), p.reasoningTokens()
	for i := range p.choices {
		t.Choices[i].CompletionTokens, t.Choices[i].FinishReason = len(p.choices[i].tokens), p.choices[i].finish
	}
	x.s.generated.Add(uint64(t.CompletionTokens))
}

// bookGone notes when the client left, or that it was us who did.
func (x *exchange) bookGone() {
	select {
	case <-x.s.dying:
		x.truth.Outcome = TruthStopped
		return
	default:
	}
	at := x.s.now() // a write failed before the watcher saw anything
	if x.w.left() {
		at = x.w.at
	}
	x.truth.ClientGoneNS = x.since(at)
}

// keepBooks completes the truth of the request and writes it down.
func (x *exchange) keepBooks() {
	t := &x.truth
	if t.Outcome == TruthClientGone {
		x.bookGone()
	}
	if t.RequestID == "" {
		t.RequestID = t.ResponseID
	}
	t.EndNS = x.since(x.s.now())
	x.s.truth.write(t)
}
