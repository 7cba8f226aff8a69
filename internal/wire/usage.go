package wire

import "tokenomics/internal/record"

// readUsage reads a usage object (WIRE.md 13) and says whether it was one that
// tells something. Keys that are absent or null stay absent in u.
func readUsage(v []byte, u *record.Usage) bool {
	told := false
	if len(v) > 0 {
		_, told = usageAt(v, 0, u)
	}
	return told
}

// usageAt reads the usage object that opens at i, under OpenAI's names for
// chat and completions, or those of its Responses.
func usageAt(b []byte, i int, u *record.Usage) (next int, told bool) {
	i, more := enter(b, i, '{')
	for more {
		key, v := keyAt(b, i)
		end := valueEnd(b, v)
		if end < 0 {
			return -1, false
		}
		switch value := b[v:end]; string(key) {
		case "prompt_tokens", "input_tokens":
			told = count(value, &u.Prompt) || told
		case "completion_tokens", "output_tokens":
			told = count(value, &u.Completion) || told
		case "reasoning_tokens": // SGLang
			count(value, &u.Reasoning)
		case "prompt_tokens_details", "input_tokens_details":
			countIn(value, "cached_tokens", &u.Cached)
		case "completion_tokens_details", "output_tokens_details":
			countIn(value, "reasoning_tokens", &u.Reasoning)
		}
		i, more = after(b, end, '{')
	}
	if told {
		u.Source = record.SourceUsage
	}
	return i, told
}

// countIn reads the count under key of the object v.
func countIn(v []byte, key string, c *record.Count) {
	if !isObject(v) {
		return
	}
	i, more := enter(v, 0, '{')
	for more {
		k, value := keyAt(v, i)
		end := valueEnd(v, value)
		if end < 0 {
			return
		}
		if string(k) == key {
			count(v[value:end], c)
		}
		i, more = after(v, end, '{')
	}
}

// count reads a token count; anything but a whole number leaves c as it is.
func count(v []byte, c *record.Count) bool {
	if len(v) == 0 || len(v) > 18 {
		return false
	}
	n := int64(0)
	for _, d := range v {
		if d < '0' || d > '9' {
			return false
		}
		n = n*10 + int64(d-'0')
	}
	*c = record.Some(n)
	return true
}

// sum is a + b, absent where both are.
func sum(a, b record.Count) record.Count {
	if !a.Ok() && !b.Ok() {
		return a
	}
	return record.Some(a.Or(0) + b.Or(0))
}

// timings are llama.cpp's counters (WIRE.md 6.2).
type timings struct{ cached, computed, predicted record.Count }

func readTimings(v []byte) (t timings) {
	i, more := enter(v, 0, '{')
	for more {
		key, value := keyAt(v, i)
		end := valueEnd(v, value)
		if end < 0 {
			return t
		}
		switch string(key) {
		case "cache_n":
			count(v[value:end], &t.cached)
		case "prompt_n":
			count(v[value:end], &t.computed)
		case "predicted_n":
			count(v[value:end], &t.predicted)
		}
		i, more = after(v, end, '{')
	}
	return t
}

// prompt is all of the prompt, whether or not the cache answered for it.
func (t timings) prompt() record.Count {
	if !t.computed.Ok() {
		return record.Count{}
	}
	return record.Some(t.cached.Or(0) + t.computed.Or(0))
}

// anthropicUsage is usage as Anthropic tells it: in parts, of which later
// events replace those that they name (WIRE.md 3.6, 9).
type anthropicUsage struct {
	input, read, created, output, reasoning record.Count
}

// see takes the parts that v names.
func (a *anthropicUsage) see(v []byte) {
	if !isObject(v) {
		return
	}
	members(v, func(m member) bool {
		switch string(m.key) {
		case "input_tokens":
			count(m.value, &a.input)
		case "cache_read_input_tokens":
			count(m.value, &a.read)
		case "cache_creation_input_tokens":
			count(m.value, &a.created)
		case "output_tokens":
			count(m.value, &a.output)
		case "output_tokens_details":
			countIn(m.value, "reasoning_tokens", &a.reasoning)
			countIn(m.value, "thinking_tokens", &a.reasoning)
		}
		return true
	})
}

// promptWithoutCache: Messages tell the prompt less what the cache answered, and
// SGLang tells the latter only with its cache report (WIRE.md 5.5). vLLM without
// prompt details, and Ollama, name no cache either and mean all of the prompt:
// which it is can't be seen.
const promptWithoutCache = "prompt_tokens may lack what the prompt cache answered: the answer names no cached tokens"

// usage is what the parts come to: input_tokens is what was neither read from
// the cache nor written to it.
func (a *anthropicUsage) usage() (u record.Usage) {
	if a.input.Ok() {
		u.Prompt = record.Some(a.input.Or(0) + a.read.Or(0) + a.created.Or(0))
	}
	u.Cached, u.Completion, u.Reasoning = a.read, a.output, a.reasoning
	if u.Prompt.Ok() || u.Completion.Ok() {
		u.Source = record.SourceUsage
	}
	return u
}
