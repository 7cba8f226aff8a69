package wire

import "tokenomics/internal/record"

// completions reads the choices of chat and completions.
func (a *answer) completions(choices []byte) {
	ids, listed := int64(0), true
	elements(choices, func(c []byte) bool {
		reason := clip(text(raw(c, "finish_reason")), 32)
		a.finish(reason, reason != "" || a.query.Dialect == dialectVLLMGenerate)
		a.marked = a.marked || raw(c, "matched_stop") != nil
		n := length(raw(c, "token_ids"))
		ids, listed = ids+n, listed && n > 0
		return a.choices < maxChoices
	})
	if a.query.Dialect == dialectVLLMGenerate {
		if u := &a.record.Usage; listed && ids > 0 && !u.Completion.Ok() {
			u.Completion, u.Source = record.Some(ids), record.SourceTokenIDs
		}
		return
	}
	if a.choices > 0 {
		a.record.Dialect = dialectOpenAI
	}
}

// doubtSeveral looks at the usage of several choices: llama.cpp's is that of the
// first alone, as the timings beside it show (WIRE.md 6.3), and is taken back;
// vLLM's has the cached tokens of the first prompt.
func (a *answer) doubtSeveral(v []byte) {
	u := &a.record.Usage
	switch {
	case a.choices > 1 && isObject(v) && u.Completion.Ok() && readTimings(v).predicted == u.Completion:
		a.record.Warn("usage is that of the first choice alone: tokens of all are not known")
		u.Completion, u.Source = record.Count{}, record.SourceNone
		if a.query.Prompts > 1 {
			u.Prompt, u.Cached = record.Count{}, record.Count{}
		}
	case a.query.Prompts > 1 && u.Cached.Ok() && !a.marked:
		a.record.Warn(cachedOfFirst)
	}
}

func (a *answer) response(b []byte) {
	v := readResponse(b)
	a.record.Dialect = dialectResponses
	readUsage(v.usage, &a.record.Usage)
	tell(&a.took, took(v.took))
	a.pending = v.status == "queued" || v.status == "in_progress"
	if v.failed != nil {
		e := readError(v.failed)
		a.failed = &e
	}
	a.finish(v.reason(), !a.pending)
}

func (a *answer) message(keys map[string][]byte) {
	a.record.Dialect = dialectAnthropic
	var u anthropicUsage
	u.see(keys["usage"])
	a.record.Usage = u.usage()
	reason := clip(text(keys["stop_reason"]), 32)
	a.finish(reason, reason != "")
}

// generated reads SGLang's. i is its place in the batch.
func (a *answer) generated(b []byte, i int) {
	g := readGenerated(b)
	a.record.Dialect = dialectSGLang
	a.id = g.id
	tell(&a.took, sglangTook(g.meta))
	if g.refused {
		e := g.refusal()
		a.failed = &e
	}
	a.add(&g.usage, i)
	if a.record.Endpoint == "generate" {
		a.finish(g.reason, g.hasFinish)
	}
}

func (a *answer) completion(b []byte, i int) {
	c := readCompletion(b)
	a.record.Dialect = dialectLlamaCPP
	a.model = c.model
	tell(&a.took, took(c.took))
	a.add(&c.usage, i)
	a.finish(c.reason, c.stop || c.reason != "")
}

func (a *answer) ollama(b []byte) {
	l := readOllamaLine(b)
	a.record.Dialect = dialectOllama
	a.record.Usage = l.usage
	tell(&a.took, ollamaTook(b))
	a.finish(l.reason, l.done)
}

func (a *answer) tgi(keys map[string][]byte) {
	u, reason := tgiDetails(keys["details"])
	a.record.Dialect = dialectTGI
	a.record.Usage = u
	a.finish(reason, true)
}

// add adds the counts of choice i. Choices of one prompt tell its tokens each.
func (a *answer) add(u *record.Usage, i int) {
	all := &a.record.Usage
	if i%max(1, a.query.N) == 0 {
		all.Prompt, all.Cached = sum(all.Prompt, u.Prompt), sum(all.Cached, u.Cached)
	}
	all.Completion, all.Reasoning = sum(all.Completion, u.Completion), sum(all.Reasoning, u.Reasoning)
	if all.Prompt.Ok() || all.Completion.Ok() {
		all.Source = record.SourceEngineCounter
	}
}
