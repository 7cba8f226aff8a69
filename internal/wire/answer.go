package wire

import (
	"bytes"

	"tokenomics/internal/record"
)

// answer reads a whole JSON answer, by its shape.
func (o *Observer) answer(how record.Outcome, r *record.Record) {
	b := bytes.TrimSpace(o.body.head)
	if o.body.total > len(o.body.head) {
		o.largeAnswer(how, r)
		return
	}
	if !get(b, "@valid").Exists() || !isObject(b) && b[0] != '[' {
		if how == record.Complete {
			r.Warn("the answer is neither a JSON object nor a list: not measured")
			o.unread++
		}
		o.noCompletion(r, true)
		return
	}
	a := answer{record: r, query: &o.cfg.Query}
	a.read(b)
	if r.Usage.Source == "" {
		r.Usage.Source = record.SourceNone
	}
	o.stream.ids.see(a.id)
	r.ResponseModel = clip(text(a.model), 256)
	if a.failed != nil {
		a.failed.write(r, o.cfg.ErrorText)
	}
	if how != record.Complete {
		return
	}
	switch {
	case a.failed != nil:
		r.Outcome = record.Error
	case a.aborted:
		r.Outcome = record.EngineAbort
	case a.choices == 0 && r.Endpoint == "generate":
		r.Warn("the answer is of no known shape: not measured")
	case a.choices == 0 || a.unfinished:
		o.noCompletion(r, !a.pending)
	}
}

// answer gathers what an answer in one piece tells.
type answer struct {
	record *record.Record
	query  *Query

	id, model  []byte // as they stand
	failed     *engineError
	choices    int
	unfinished bool // a choice has no finish reason
	aborted    bool
	pending    bool // the work goes on without us (Responses in the background)
}

// read reads the object or list b.
func (a *answer) read(b []byte) {
	if b[0] == '[' {
		a.list(b)
		return
	}
	keys := topKeys(b)
	if a.errorOf(b, keys) {
		return
	}
	a.id, a.model = keys["id"], keys["model"]
	switch {
	case string(keys["object"]) == `"response"`:
		a.response(b)
	case string(keys["type"]) == `"message"`:
		a.message(keys)
	case keys["meta_info"] != nil:
		a.generated(b, 0)
	case keys["stop_type"] != nil, keys["tokens_predicted"] != nil:
		a.completion(b, 0)
	case keys["done"] != nil:
		a.ollama(b)
	case keys["generated_text"] != nil:
		a.tgi(keys)
	default:
		a.counts(keys)
		a.completions(keys["choices"])
		a.firstAlone(keys["timings"])
	}
}

// counts reads the usage of an answer in OpenAI's manner, or one that has
// nothing else to measure.
func (a *answer) counts(keys map[string][]byte) {
	for _, key := range countKeys {
		if looseCounts([]byte(key), keys[key], &a.record.Usage) {
			return
		}
	}
}

// topKeys are the members of an object.
func topKeys(b []byte) map[string][]byte {
	keys := make(map[string][]byte, 16)
	members(b, func(m member) bool {
		if len(keys) < maxKeys {
			keys[string(m.key)] = m.value
		}
		return true
	})
	return keys
}

// errorOf reads an error: nested, as text, or, from SGLang, flat.
func (a *answer) errorOf(b []byte, keys map[string][]byte) bool {
	var e engineError
	switch failed := keys["error"]; {
	case failed != nil && !isNull(failed):
		e = tgiError(failed, keys["error_type"])
		if keys["error_type"] != nil {
			a.record.Dialect = dialectTGI
		}
	case string(keys["object"]) == `"error"`:
		e = readError(b)
	default:
		return false
	}
	a.failed = &e
	return true
}

// list reads the answers of a batch, or a list of scores, which tells nothing.
func (a *answer) list(b []byte) {
	i := 0
	elements(b, func(v []byte) bool {
		keys := topKeys(v)
		switch {
		case keys["meta_info"] != nil:
			a.generated(v, i)
		case keys["stop_type"] != nil, keys["tokens_predicted"] != nil:
			a.completion(v, i)
		case keys["generated_text"] != nil:
			a.tgi(keys)
		default:
			return false
		}
		i++
		return i < maxChoices
	})
}

// finish notes the end of one choice.
func (a *answer) finish(reason string, finished bool) {
	a.choices++
	a.record.FinishReasons = append(a.record.FinishReasons, reason)
	a.unfinished = a.unfinished || !finished
	a.aborted = a.aborted || reason == "abort"
}

// completions reads the choices of chat and completions.
func (a *answer) completions(choices []byte) {
	ids, listed := int64(0), true
	elements(choices, func(c []byte) bool {
		reason := clip(text(raw(c, "finish_reason")), 32)
		a.finish(reason, reason != "" || a.query.grammar == dialectVLLMGenerate)
		n := length(raw(c, "token_ids"))
		ids, listed = ids+n, listed && n > 0
		return a.choices < maxChoices
	})
	if a.query.grammar == dialectVLLMGenerate {
		if u := &a.record.Usage; listed && ids > 0 && !u.Completion.Ok() {
			u.Completion, u.Source = record.Some(ids), record.SourceTokenIDs
		}
		return
	}
	if a.choices > 0 {
		a.record.Dialect = dialectOpenAI
	}
}

// firstAlone takes back the usage of several choices where it is that of the
// first alone, as llama.cpp's timings beside it show (WIRE.md 6.3).
func (a *answer) firstAlone(v []byte) {
	u := &a.record.Usage
	if a.choices < 2 || !isObject(v) || !u.Completion.Ok() || readTimings(v).predicted != u.Completion {
		return
	}
	a.record.Warn("usage is that of the first choice alone: tokens of all are not known")
	u.Completion, u.Source = record.Count{}, record.SourceNone
	if a.query.Prompts > 1 {
		u.Prompt, u.Cached = record.Count{}, record.Count{}
	}
}

func (a *answer) response(b []byte) {
	v := readResponse(b)
	a.record.Dialect = dialectResponses
	readUsage(v.usage, &a.record.Usage)
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
	a.add(&c.usage, i)
	a.finish(c.reason, c.stop || c.reason != "")
}

func (a *answer) ollama(b []byte) {
	l := readOllamaLine(b)
	a.record.Dialect = dialectOllama
	a.record.Usage = l.usage
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
