package sim

import "strconv"

const typeMetrics = "text/plain; version=0.0.4; charset=utf-8"

// metrics answers a scrape with the few series a load tool reads.
func (x *exchange) metrics() {
	s := x.s
	running, waiting := s.queue.load()
	b := []byte("# These are the metrics of tokenomics sim, a SIMULATED engine. No model ran.\n")
	add := func(name, kind, help string, v uint64) {
		name = s.cfg.Dialect + ":" + name
		b = append(b, "# HELP "+name+" "+help+" (simulated)\n# TYPE "+name+" "+kind+"\n"+name+`{model_name="`+s.cfg.Model+`"} `...)
		b = append(strconv.AppendUint(b, v, 10), '\n')
	}
	if s.cfg.Dialect == "sglang" {
		add("num_running_reqs", "gauge", "Requests that run.", uint64(running))
		add("num_queue_reqs", "gauge", "Requests that wait.", uint64(waiting))
		add("cached_tokens_total", "counter", "Prompt tokens found in the cache.", s.cached.Load())
	} else {
		add("num_requests_running", "gauge", "Requests that run.", uint64(running))
		add("num_requests_waiting", "gauge", "Requests that wait.", uint64(waiting))
		add("prompt_tokens_cached_total", "counter", "Prompt tokens found in the cache.", s.cached.Load())
	}
	add("prompt_tokens_total", "counter", "Prompt tokens prefilled.", s.prompted.Load())
	add("generation_tokens_total", "counter", "Tokens generated and sent.", s.generated.Load())
	x.respond(200, typeMetrics, b)
}
