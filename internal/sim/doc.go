// Package sim is a simulated inference engine: an HTTP server that speaks the
// dialects of real ones (vLLM, SGLang, llama.cpp, Ollama, TGI) byte shape for byte
// shape, paces its answers from given distributions, breaks on demand, and writes
// down what it did and when. It is the known truth that tests and calibration
// compare with, and says in every place a human may look that it is a simulation.
//
// A request passes through these steps:
//
//  1. conn.go reads it, with fasthttp's parser, off a connection that the
//     package owns: the moment a write returned can only be known by the one
//     who writes, and a client that leaves can only be seen by the one who reads.
//  2. routes.go finds its endpoint; request.go and read.go make it a request, or
//     the dialect's error.
//  3. queue.go admits it to one of the slots, first come first served.
//  4. generate.go plans the generation: every token and the time of every step,
//     a pure function of (seed, prompt) for what is said and (seed, request
//     number) for when.
//  5. The endpoint's format turns the plan into a schedule of events and each event
//     into bytes, and the dialect (vllm.go, sglang.go, llamacpp.go, ollama.go,
//     tgi.go) writes the head. A new dialect is a new file with these interfaces.
//  6. stream.go or generation.go writes on an absolute schedule; delivery.go says how
//     the body travels, fault.go what goes wrong on the way; truth.go keeps the books, and account.go
//     the engine's own counters.
//
// Tokens are those of the package's own tokenizer (tokenizer.go): a word of at
// most twelve letters with the space before it, one punctuation mark, one CJK
// character. What the simulator says counts back to the tokens it reports,
// except for the end-of-text token and silent ones, as on real engines.
package sim
