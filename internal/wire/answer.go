package wire

import (
	"bytes"

	"tokenomics/internal/record"
)

// answer reads a whole JSON answer, by its shape.
func (o *Observer) answer(how record.Outcome, r *record.Record) {
	b := bytes.TrimSpace(o.other.body.head)
	if o.other.body.total > len(o.other.body.head) {
		o.largeAnswer(how, r)
		return
	}
	if !get(b, "@valid").Exists() || !isObject(b) && b[0] != '[' {
		if how == record.Complete {
			r.Warn("the answer is neither a JSON object nor a list: not measured")
			o.garbled = true
		}
		o.noCompletion(r, true)
		return
	}
	a := answer{record: r, query: &o.cfg.Query}
	a.read(b)
	if a.choices <= 1 {
		r.Engine = a.took // else it is of one choice alone
	}
	if r.Usage.Source == "" {
		r.Usage.Source = record.SourceNone
	}
	o.stream.seeID(a.id)
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
	marked     bool // SGLang's mark is on its choices
	unfinished bool // a choice has no finish reason
	aborted    bool
	took       *record.EngineTimes // what the engine tells of its own time; nil = nothing
	pending    bool                // the work goes on without us (Responses in the background)
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
		a.doubtSeveral(keys["timings"])
		tell(&a.took, took(keys["timings"]))
		tell(&a.took, took(keys["metrics"]))
		if keys["total_duration"] != nil { // Ollama's embeddings
			tell(&a.took, ollamaTook(b))
		}
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

// errorOf reads an error: nested, as text, from SGLang flat, or as FastAPI tells
// that it knows no such path.
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
	case len(keys) == 1 && text(keys["detail"]) != "":
		e = readError(keys["detail"])
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
	if i > 1 {
		a.took = nil // each tells its own
	}
}

// finish notes the end of one choice.
func (a *answer) finish(reason string, finished bool) {
	a.choices++
	a.record.FinishReasons = append(a.record.FinishReasons, reason)
	a.unfinished = a.unfinished || !finished
	a.aborted = a.aborted || reason == "abort"
}
