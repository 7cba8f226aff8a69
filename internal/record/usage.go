package record

// TokenSource says where a token count came from, so that an estimate never
// looks exact.
type TokenSource string

const (
	SourceUsage         TokenSource = "usage"          // the engine's final usage
	SourceContinuous    TokenSource = "continuous"     // the last per-event usage
	SourceTokenIDs      TokenSource = "token_ids"      // ids listed on the events
	SourceLogprobs      TokenSource = "logprobs"       // logprob entries on the events
	SourceEngineCounter TokenSource = "engine_counter" // another counter of the engine: timings, eval_count
	SourceEvents        TokenSource = "events"         // estimated: one per event with text
	SourceNone          TokenSource = "none"           // nothing told
)

// Exact says whether the engine told the count.
func (s TokenSource) Exact() bool { return s != SourceEvents && s != SourceNone && s != "" }

// Usage is a request's tokens. Reasoning is part of Completion and Cached part
// of Prompt; neither is to be added.
type Usage struct {
	Prompt     Count
	Cached     Count
	Completion Count
	Reasoning  Count
	Source     TokenSource // of Completion; for answers without completion tokens, of Prompt
}
