package sim

import (
	"strconv"
	"time"

	"github.com/tidwall/gjson"
)

// tgi speaks as Hugging Face's text-generation-inference does (3.x): one event is
// one token, always.
type tgi struct{ cfg *Config }

var _ dialect = (*tgi)(nil)

func (t *tgi) traits() traits {
	return traits{name: "tgi", jsonType: typeJSON, invalid: 422, cacheBlock: 1, guarded: everyPath}
}

func (t *tgi) routes() map[string]route {
	return map[string]route{
		"/generate":            {endpoint: generate, read: readTGI, format: tgiGenerate{t}, stream: streamNever},
		"/generate_stream":     {endpoint: generate, read: readTGI, format: tgiGenerate{t}, stream: streamAlways},
		"/v1/chat/completions": {endpoint: chat, read: readOne(readChat), format: tgiChat{t}},
		"/v1/completions":      {endpoint: completions, read: readOne(readFreeCompletions), format: tgiChat{t}},
		"/v1/models":           getting((*exchange).tgiModels),
		"/info":                getting((*exchange).tgiInfo),
		"/health":              getting(healthy),
		"/ping":                getting(healthy),
		"/metrics":             getting(func(x *exchange) { x.metrics("tgi_", "", tgiSeries()) }),
		"/":                    {methods: "POST", endpoint: generate, read: readTGI, format: tgiGenerate{t}},
	}
}

func tgiSeries() []series {
	return []series{requestSeries("request_count"), runningSeries("batch_current_size"), waitingSeries("queue_size"), generatedSeries("request_generated_tokens_sum")}
}

func (t *tgi) appendHead(dst []byte, h head) []byte { return appendHyper(dst, h) }

func readTGI(r *request, root gjson.Result) *apiError {
	inputs := root.Get("inputs")
	if inputs.Type != gjson.String {
		return badRequest("inputs", "Failed to deserialize the JSON body into the target type: missing field `inputs`")
	}
	params := root.Get("parameters")
	r.details = params.Get("details").Bool()
	r.prompts = []prompt{textPrompt(inputs.String())}
	return r.readMax(params, "max_new_tokens")
}

func (t *tgi) check(r *request) *apiError {
	r.model = t.cfg.Model // it has one, whatever it is called
	return nil
}

func (t *tgi) identify(p *plan, key uint64) { p.id = hexID(key) } // for the truth log: its answers have none

func (t *tgi) appendError(dst []byte, _ endpoint, e *apiError) []byte {
	if e.kind == noPath {
		return dst
	}
	dst = appendText(dst, `{"error":`, e.msg)
	return append(dst, `,"error_type":"`+tgiKind(e.status)+`"}`...)
}

func tgiKind(status int) string {
	switch status {
	case 400, 422:
		return "validation"
	case 401:
		return "unauthorized"
	case 429, 503:
		return "overloaded"
	default:
		return "generation"
	}
}

// queueFull: inside the stream, as every failure there.
func (t *tgi) queueFull(_ endpoint, stream bool) (*apiError, bool) {
	return &apiError{status: 429, msg: "Model is overloaded"}, !stream
}

func (t *tgi) streaming(done string) framing {
	return framing{contentType: typePlain, done: done, head: headAtOnce, headers: []header{
		{"cache-control", "no-cache"}, {"x-accel-buffering", "no"}, {"x-compute-type", "simulated"},
	}}
}

// schedule: an event for every token, those of one step back to back.
func (t *tgi) schedule(p *plan) []emission {
	c := &p.choices[0]
	var out []emission
	for k, made := range c.steps {
		from := 0
		if k > 0 {
			from = c.steps[k-1]
		}
		for ; from < made; from++ {
			out = append(out, emission{at: p.times[k], kind: EventToken, from: from, to: from + 1, last: from+1 == len(c.tokens)})
		}
	}
	if len(out) == 0 { // it was aborted before its first token
		out = append(out, emission{at: p.end(), kind: EventFinish, last: true})
	}
	return out
}

func (t *tgi) failing(*plan, []emission) []emission { return []emission{{kind: EventError}} }

// reason is why an answer ended, in the words of /generate.
func (t *tgi) reason(c *choice) string {
	if c.finish == "length" {
		return "length"
	}
	return "eos_token"
}

// head tells counts and times of an answer in one body, in ms.
func (t *tgi) head(p *plan) (contentType string, headers []header, measured bool) {
	c := &p.choices[0]
	inference := p.toldEnd(c)
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	prompt := p.req.prompts[0]
	return typeJSON, []header{
		{"x-compute-type", "simulated"}, {"x-compute-time", strconv.FormatFloat(inference.Seconds(), 'f', -1, 64)},
		{"x-compute-characters", strconv.Itoa(len(prompt.text))},
		{"x-total-time", ms(p.queued + inference)}, {"x-validation-time", "0"}, {"x-queue-time", ms(p.queued)}, {"x-inference-time", ms(inference)},
		{"x-time-per-token", ms(inference / time.Duration(max(len(c.tokens), 1)))},
		{"x-prompt-tokens", strconv.Itoa(len(prompt.ids))}, {"x-generated-tokens", strconv.Itoa(len(c.tokens))},
	}, true
}

func (x *exchange) tgiModels() {
	b := appendText(nil, `{"object":"list","data":[{"id":`, x.s.cfg.Model)
	b = appendKey(b, `,"object":"model","created":`, int(x.s.startedAt()))
	b = appendText(b, `,"owned_by":`, x.s.cfg.Model)
	x.respondJSON(append(b, `}]}`...))
}

func (x *exchange) tgiInfo() {
	c := x.s.cfg
	b := appendText(nil, `{"model_id":`, c.Model)
	b = appendKey(b, `,"model_sha":null,"model_pipeline_tag":"text-generation","max_concurrent_requests":`, c.Slots)
	b = appendKey(b, `,"max_best_of":1,"max_stop_sequences":4,"max_input_tokens":`, c.MaxModelLen-1)
	b = appendKey(b, `,"max_total_tokens":`, c.MaxModelLen)
	x.respondJSON(append(b, `,"validation_workers":1,"max_client_batch_size":1,"router":"tokenomics-sim","version":"`+version+`","sha":null,"docker_label":null}`...))
}
