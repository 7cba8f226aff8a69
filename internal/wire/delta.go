package wire

import "tokenomics/internal/record"

// delta is what one event says of one choice.
type delta struct {
	index       int
	finish      string // finish_reason, "" while the choice runs
	text        bool   // it has text on some channel: content, reasoning, a tool call, a refusal
	visible     bool   // it has text that is not reasoning
	tokenIDs    int64  // tokens by the ids it lists
	logprobs    int64  // tokens by the logprobs it lists
	matchedStop bool   // it has SGLang's mark
}

// readDelta reads one element of choices: a chat chunk, or a completions one.
func readDelta(v []byte) (d delta) {
	members(v, func(m member) bool {
		switch string(m.key) {
		case "index":
			var index record.Count
			count(m.value, &index)
			d.index = int(index.Or(0))
		case "delta":
			d.channels(m.value)
		case "text":
			d.show(hasText(m.value))
		case "finish_reason":
			d.finish = text(m.value) // TGI writes "" while the choice runs
		case "token_ids":
			d.tokenIDs = length(m.value)
		case "logprobs":
			d.countLogprobs(m.value)
		case "matched_stop":
			d.matchedStop = true
		}
		return true
	})
	return d
}

// channels looks where a chat delta has text. vLLM 0.12 to 0.15 put the same
// reasoning under two keys, which is why this asks whether and not how much.
func (d *delta) channels(v []byte) {
	members(v, func(m member) bool {
		switch string(m.key) {
		case "content", "refusal":
			d.show(hasText(m.value))
		case "reasoning", "reasoning_content":
			d.text = d.text || hasText(m.value)
		case "tool_calls":
			elements(m.value, func(call []byte) bool {
				f := get(call, "function")
				d.show(f.Get("name").String() != "" || f.Get("arguments").String() != "")
				return true
			})
		case "function_call":
			d.show(len(m.value) > 0 && m.value[0] == '{')
		}
		return true
	})
}

func (d *delta) show(is bool) {
	d.text = d.text || is
	d.visible = d.visible || is
}

// countLogprobs counts chat's logprobs.content or completions' logprobs.tokens.
func (d *delta) countLogprobs(v []byte) {
	members(v, func(m member) bool {
		switch string(m.key) {
		case "content", "tokens":
			d.logprobs = max(d.logprobs, length(m.value))
		}
		return true
	})
}

// length is the number of elements of an array, 0 for anything else (vLLM
// writes "token_ids":null on ordinary events).
func length(v []byte) (n int64) {
	elements(v, func([]byte) bool { n++; return true })
	return n
}
