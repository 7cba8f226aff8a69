package wire

import "tokenomics/internal/record"

// delta is what one event says of one choice.
type delta struct {
	index     int
	finish    string // finish_reason, "" while the choice runs
	text      bool   // it has text on some channel: content, reasoning, a tool call, a refusal
	visible   bool   // it has text that is not reasoning
	worded    bool   // it has a place for text
	manner           // how it is written
	tokenIDs  int64  // tokens by the ids it lists
	promptIDs int64  // and those of the prompt
	logprobs  int64  // tokens by the logprobs it lists
	strings   int    // how many texts it has, empty ones included
	textFrom  int    // where the last of them opens, in the event
}

// manner is how a choice of an event is written.
type manner struct {
	matchedStop bool // it has SGLang's mark
	chat        bool // its text is in a delta
	reasoning   bool // the last of its texts is reasoning
}

// read reads the element of choices that begins at i: a chat chunk, or a
// completions one.
func (d *delta) read(b []byte, i int) (next int) {
	if isOpen(b, i) != '{' {
		return valueEnd(b, i)
	}
	i, more := enter(b, i, '{')
	for more {
		key, v := keyAt(b, i)
		if v < 0 {
			return -1
		}
		end := -1
		if isOpen(b, v) == '{' && string(key) == "delta" {
			d.chat, d.worded = true, true
			end = d.channels(b, v)
		} else if end = valueEnd(b, v); end > 0 {
			d.member(key, b[v:end], v)
		}
		if end < 0 {
			return -1
		}
		i, more = after(b, end, '{')
	}
	if d.tokenIDs > 0 && !d.worded {
		d.text, d.visible = true, true // ids in the place of text
	}
	return i
}

func (d *delta) member(key, v []byte, at int) {
	switch string(key) {
	case "index":
		var index record.Count
		count(v, &index)
		d.index = int(index.Or(0))
	case "text":
		d.worded = true
		d.show(v, at, false)
	case "finish_reason":
		if hasText(v) { // TGI writes "" while the choice runs
			d.finish = text(v)
		}
	case "token_ids":
		d.tokenIDs = length(v)
	case "prompt_token_ids":
		d.promptIDs = length(v)
	case "logprobs":
		d.countLogprobs(v)
	case "matched_stop":
		d.matchedStop = true
	}
}

// channels looks where the chat delta that opens at i has text. vLLM 0.12 to
// 0.15 put the same reasoning under two keys, which is why this asks whether
// and not how much.
func (d *delta) channels(b []byte, i int) (next int) {
	i, more := enter(b, i, '{')
	for more {
		key, at := keyAt(b, i)
		end := valueEnd(b, at)
		if end < 0 {
			return -1
		}
		switch v := b[at:end]; string(key) {
		case "content", "refusal":
			d.show(v, at, false)
		case "reasoning", "reasoning_content":
			d.show(v, at, true)
		case "tool_calls":
			d.toolCalls(v)
		case "function_call":
			d.text, d.visible = d.text || isObject(v), d.visible || isObject(v)
		}
		i, more = after(b, end, '{')
	}
	return i
}

// show takes the string v of a channel.
func (d *delta) show(v []byte, at int, reasoning bool) {
	if len(v) < 2 || v[0] != '"' {
		return
	}
	is := len(v) > 2
	d.text = d.text || is
	d.visible = d.visible || is && !reasoning
	d.strings++
	d.textFrom, d.reasoning = at, reasoning
}

func (d *delta) toolCalls(v []byte) {
	elements(v, func(call []byte) bool {
		f := get(call, "function")
		is := f.Get("name").String() != "" || f.Get("arguments").String() != ""
		d.text, d.visible = d.text || is, d.visible || is
		return true
	})
	d.strings += 2 // nothing that repeats
}

// countLogprobs counts chat's logprobs.content or completions' logprobs.tokens.
func (d *delta) countLogprobs(v []byte) {
	if isNull(v) {
		return
	}
	members(v, func(m member) bool {
		switch string(m.key) {
		case "content", "tokens":
			d.logprobs = max(d.logprobs, length(m.value))
		}
		return true
	})
}
