package sim

import (
	"strconv"

	"github.com/tidwall/gjson"
)

func (x *exchange) modelInfo() {
	x.respondJSON(append(appendText(nil, `{"model_path":`, x.s.cfg.Model), `,"is_generation":true,"simulated":true}`...))
}

func (x *exchange) serverInfo() {
	c := x.s.cfg
	running, waiting := x.s.queue.load()
	b := appendText(nil, `{"model_path":`, c.Model)
	b = appendText(b, `,"served_model_name":`, c.Model)
	b = appendKey(b, `,"max_running_requests":`, c.Slots)
	b = appendKey(b, `,"context_length":`, c.MaxModelLen)
	b = appendKey(b, `,"stream_interval":`, c.StreamInterval)
	b = append(b, `,"enable_cache_report":`+strconv.FormatBool(c.ReportCached)...)
	b = append(b, `,"incremental_streaming_output":`+strconv.FormatBool(c.Incremental)...)
	b = appendKey(b, `,"internal_states":[{"num_running_reqs":`, running)
	b = appendKey(b, `,"num_queue_reqs":`, waiting)
	x.respondJSON(append(b, `}],"version":"`+version+`","simulated":true}`...))
}

// flushCache refuses while anything runs, as SGLang does.
func (x *exchange) flushCache() {
	if running, waiting := x.s.queue.load(); running+waiting > 0 {
		x.respond(400, typeText, []byte("Flush cache failed: requests are running or waiting.\n"))
		return
	}
	x.s.cache.clear()
	x.respond(200, typeText, []byte("Cache flushed.\n"))
}

// abortRequest stops the requests whose id begins with `rid`, or all. It answers
// 200 with nothing, whether there were any or not.
func (x *exchange) abortRequest() {
	body := x.req.Body()
	if !gjson.ValidBytes(body) {
		x.refuse(notJSON(body))
		return
	}
	rid := gjson.GetBytes(body, "rid").String()
	if rid != "" || gjson.GetBytes(body, "abort_all").Bool() {
		x.s.jobs.abort(rid)
	}
	x.respond(200, "", nil)
}
