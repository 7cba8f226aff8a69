package record

import "time"

// EngineTimes are an engine's own account of one request, as its answer tells
// it: how long each part took. What an engine does not tell is absent, which is
// not zero, and is in no other part.
//
//	        vLLM (metrics)               SGLang (meta_info)           llama.cpp (timings)      Ollama                    TGI (head)
//	Queue   handed to the engine until   into the scheduler's queue   -                        -                         validated until
//	        scheduled                    until the first forward                                                         prefill
//	Load    -                            -                            -                        the request's head until  -
//	                                                                                           a model could take it
//	Prefill scheduled until the first    first forward until the      a slot began the prompt  the same, its runner's    -
//	        token                        prompt was computed          until the first token
//	Decode  first until last token       from there until the answer  first until last token   the same, its runner's    -
//	                                     had been put into words
//	Compute -                            first forward until there    -                        -                         prefill until the end
//	Total   -                            received until there         -                        received until the end    received until the end
//
// Compute is told where prefill and decode are not told apart. Load has in it
// what a request waited for room in Ollama's scheduler.
type EngineTimes struct {
	Queue, Load, Prefill, Decode, Compute, Total Span
}

// Span is a length of time.
type Span = Opt[time.Duration]

// told are the times, all absent where the answer told none.
func (r *Record) told() EngineTimes {
	if r.Engine == nil {
		return EngineTimes{}
	}
	return *r.Engine
}

// EngineQueue is the time in the engine's queue.
func (r *Record) EngineQueue() (time.Duration, bool) { return r.told().Queue.Get() }

// EngineLoad is the time until a model could take the request.
func (r *Record) EngineLoad() (time.Duration, bool) { return r.told().Load.Get() }

// EnginePrefill is the time that the prompt took.
func (r *Record) EnginePrefill() (time.Duration, bool) { return r.told().Prefill.Get() }

// EngineDecode is the time that the output took after that.
func (r *Record) EngineDecode() (time.Duration, bool) { return r.told().Decode.Get() }

// EngineCompute is the time of prefill and decode together, where the engine does
// not tell them apart.
func (r *Record) EngineCompute() (time.Duration, bool) { return r.told().Compute.Get() }

// EngineTime is what the engine accounts for: its own total, and where it tells
// none, its parts together. Absent where those lack prefill or decode, without
// which the rest would be no account.
func (r *Record) EngineTime() (time.Duration, bool) {
	t := r.told()
	switch {
	case t.Total.ok:
		return t.Total.v, true
	case t.Prefill.ok && t.Decode.ok, t.Compute.ok:
		return t.Queue.v + t.Load.v + t.Prefill.v + t.Decode.v + t.Compute.v, true
	}
	return 0, false
}

// OutsideEngine is E2E - EngineTime: the network, HTTP, and what the engine does
// not count. Absent where it counts more than we saw.
func (r *Record) OutsideEngine() (time.Duration, bool) {
	e2e, seen := r.E2E()
	engine, told := r.EngineTime()
	return e2e - engine, seen && told && e2e >= engine
}
