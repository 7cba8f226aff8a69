package sim

import "strconv"

const typeMetrics = "text/plain; version=0.0.4; charset=utf-8"

// series is one metric of a scrape, under the name that an engine has for it.
type series struct {
	name, kind, help string
	append           func(dst []byte, s *Server, name, labels string) []byte
}

// single is a series with one value.
func single(name, kind, help string, value func(s *Server) float64) series {
	return series{name, kind, help, func(dst []byte, s *Server, name, labels string) []byte {
		return append(strconv.AppendFloat(append(dst, name+"{"+labels+"} "...), value(s), 'f', -1, 64), '\n')
	}}
}

func runningSeries(name string) series {
	return single(name, "gauge", "Requests that run.", func(s *Server) float64 { n, _ := s.queue.load(); return float64(n) })
}

func waitingSeries(name string) series {
	return single(name, "gauge", "Requests that wait.", func(s *Server) float64 { _, n := s.queue.load(); return float64(n) })
}

// kvSeries: there is as much room as all slots need at their longest.
func kvSeries(name string) series {
	return single(name, "gauge", "Share of the KV cache that running requests hold.", func(s *Server) float64 {
		return float64(s.held.Load()) / (float64(s.cfg.Slots) * float64(s.cfg.MaxModelLen))
	})
}

func cachedSeries(name string) series {
	return single(name, "counter", "Prompt tokens found in the cache.", func(s *Server) float64 { return float64(s.cached.Load()) })
}

func promptSeries(name string) series {
	return single(name, "counter", "Prompt tokens prefilled.", func(s *Server) float64 { return float64(s.prompted.Load()) })
}

func computedSeries(name string) series {
	return single(name, "counter", "Prompt tokens computed.", func(s *Server) float64 { return float64(s.prompted.Load() - s.cached.Load()) })
}

func generatedSeries(name string) series {
	return single(name, "counter", "Tokens generated.", func(s *Server) float64 { return float64(s.generated.Load()) })
}

func abortedSeries(name string) series {
	return single(name, "counter", "Requests that the engine was told to stop.", func(s *Server) float64 { return float64(s.aborted.Load()) })
}

func requestSeries(name string) series {
	return single(name, "counter", "Requests received.", func(s *Server) float64 { return float64(s.number.Load()) })
}

// neverSeries counts what the simulated engine never does.
func neverSeries(name, help string) series {
	return single(name, "counter", help, func(*Server) float64 { return 0 })
}

func finishedSeries(name string) series {
	return single(name, "counter", "Requests finished.", func(s *Server) float64 {
		all := s.finished.all()
		return float64(all[0] + all[1] + all[2])
	})
}

// successSeries counts finished requests by the reason of their end.
func successSeries(name string) series {
	return series{name, "counter", "Requests finished.", func(dst []byte, s *Server, name, labels string) []byte {
		for i, n := range s.finished.all() {
			dst = append(dst, name+"{"+labels+`,finished_reason="`+reasons()[i]+`"} `...)
			dst = append(strconv.AppendUint(dst, n, 10), '\n')
		}
		return dst
	}}
}

func spanSeries(name, help string, of func(s *spans) *histogram) series {
	return series{name, "histogram", help, func(dst []byte, s *Server, name, labels string) []byte {
		return of(&s.spans).appendTo(dst, name, labels)
	}}
}

func queueSeries(name string) series {
	return spanSeries(name, "Time in the queue.", func(s *spans) *histogram { return &s.queue })
}

func ttftSeries(name string) series {
	return spanSeries(name, "Time to the first token.", func(s *spans) *histogram { return &s.ttft })
}

func e2eSeries(name string) series {
	return spanSeries(name, "Time to the last token.", func(s *spans) *histogram { return &s.e2e })
}

// metrics answers a scrape with the series that a load tool reads. labels are
// those that the engine has beside the model's name, each with a comma before it.
func (x *exchange) metrics(prefix, labels string, all []series) {
	b := []byte("# These are the metrics of tokenomics sim, a SIMULATED engine. No model ran.\n")
	labels = `model_name="` + x.s.cfg.Model + `"` + labels
	for _, m := range all {
		name := prefix + m.name
		b = append(b, "# HELP "+name+" "+m.help+" (simulated)\n# TYPE "+name+" "+m.kind+"\n"...)
		b = m.append(b, x.s, name, labels)
	}
	x.respond(200, typeMetrics, b)
}
