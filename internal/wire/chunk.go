package wire

import (
	"slices"
	"sync"

	"tokenomics/internal/record"
)

// counts are what an event tells of tokens beside its choices.
type counts struct {
	usage     record.Usage
	timings   timings
	promptIDs int64 // tokens of the prompt by the ids it lists
	hasUsage  bool
	hasTiming bool
}

// chunk is one event.
type chunk struct {
	counts
	choices []delta

	failed, id, model, print []byte // as they stand; nil where there are none
	took                     []byte // vLLM's metrics, or llama.cpp's timings
	flat                     bool   // it is an error itself, without a member for it
	usageKey                 int    // where the key of its usage opens
	usageFrom, usageEnd      int    // where its usage is
}

// chunks are scratch for reading an event.
var chunks = sync.Pool{New: func() any { return new(chunk) }}

// free gives the scratch back, without what points into the event.
func (c *chunk) free() {
	choices := c.choices[:0]
	*c = chunk{}
	c.choices = choices
	chunks.Put(c)
}

// read reads one event, and says whether it is a JSON object.
func (c *chunk) read(data []byte) bool {
	i, more := enter(data, space(data, 0), '{')
	for more {
		key, v := keyAt(data, i)
		if v < 0 {
			return false
		}
		end := -1
		switch opens := isOpen(data, v); {
		case opens == '[' && string(key) == "choices":
			end = c.readChoices(data, v)
		case opens == '{' && string(key) == "usage":
			c.usage, c.hasUsage = record.Usage{}, true
			end, _ = usageAt(data, v, &c.usage)
			c.usageKey, c.usageFrom, c.usageEnd = i, v, end
		default:
			if end = valueEnd(data, v); end > 0 {
				c.member(key, data[v:end])
			}
		}
		if end < 0 {
			return false
		}
		i, more = after(data, end, '{')
	}
	return i >= 0 && space(data, i) == len(data)
}

func (c *chunk) member(key, v []byte) {
	switch string(key) {
	case "usage": // null, where it says no more than that
		c.usage, c.hasUsage = record.Usage{}, false
	case "timings":
		if c.hasTiming = isObject(v); c.hasTiming {
			c.timings, c.took = readTimings(v), v
		}
	case "metrics":
		c.took = v
	case "object":
		c.flat = string(v) == `"error"`
	case "prompt_token_ids":
		c.promptIDs = length(v)
	case "error":
		if !isNull(v) {
			c.failed = v
		}
	case "system_fingerprint":
		if !isNull(v) {
			c.print = v
		}
	case "id", "request_id": // vLLM's generate has the latter
		c.id = v
	case "model":
		c.model = v
	}
}

func (c *chunk) readChoices(b []byte, i int) (next int) {
	c.choices = c.choices[:0]
	i, more := enter(b, i, '[')
	for more {
		if len(c.choices) >= maxChoices {
			i = valueEnd(b, i)
		} else {
			n := len(c.choices)
			c.choices = slices.Grow(c.choices, 1)[:n+1]
			c.choices[n] = delta{}
			i = c.choices[n].read(b, i)
		}
		if i < 0 {
			return -1
		}
		i, more = after(b, i, '[')
	}
	return i
}
