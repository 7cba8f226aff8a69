package sim

import "strconv"

const typeMetrics = "text/plain; version=0.0.4; charset=utf-8"

// series is one number of a scrape.
type series struct {
	name, kind, help string
	value            func(s *Server) uint64
}

func runningSeries(name string) series {
	return series{name, "gauge", "Requests that run.", func(s *Server) uint64 { n, _ := s.queue.load(); return uint64(n) }}
}

func waitingSeries(name string) series {
	return series{name, "gauge", "Requests that wait.", func(s *Server) uint64 { _, n := s.queue.load(); return uint64(n) }}
}

func cachedSeries(name string) series {
	return series{name, "counter", "Prompt tokens found in the cache.", func(s *Server) uint64 { return s.cached.Load() }}
}

func promptSeries(name string) series {
	return series{name, "counter", "Prompt tokens prefilled.", func(s *Server) uint64 { return s.prompted.Load() }}
}

func computedSeries(name string) series {
	return series{name, "counter", "Prompt tokens computed.", func(s *Server) uint64 { return s.prompted.Load() - s.cached.Load() }}
}

func generatedSeries(name string) series {
	return series{name, "counter", "Tokens generated and sent.", func(s *Server) uint64 { return s.generated.Load() }}
}

func abortedSeries(name string) series {
	return series{name, "counter", "Requests that the engine was told to stop.", func(s *Server) uint64 { return s.aborted.Load() }}
}

func requestSeries(name string) series {
	return series{name, "counter", "Requests received.", func(s *Server) uint64 { return s.number.Load() }}
}

// metrics answers a scrape with the few series a load tool reads.
func (x *exchange) metrics(prefix string, all []series) {
	b := []byte("# These are the metrics of tokenomics sim, a SIMULATED engine. No model ran.\n")
	for _, m := range all {
		name := prefix + m.name
		b = append(b, "# HELP "+name+" "+m.help+" (simulated)\n# TYPE "+name+" "+m.kind+"\n"+name+`{model_name="`+x.s.cfg.Model+`"} `...)
		b = append(strconv.AppendUint(b, m.value(x.s), 10), '\n')
	}
	x.respond(200, typeMetrics, b)
}
