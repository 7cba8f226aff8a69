package wire

import (
	"bytes"

	"tokenomics/internal/record"
)

// Of a JSON answer the first keepHead bytes are kept whole; of a larger one
// also the last keepTail, because every engine writes usage behind the data.
const (
	keepHead = 1 << 20
	keepTail = 16 << 10
)

// bodyKeeper holds as much of a JSON answer as is needed to read its counts.
type bodyKeeper struct {
	head  []byte
	tail  []byte
	total int
}

func (k *bodyKeeper) add(p []byte) {
	k.total += len(p)
	if room := keepHead - len(k.head); room > 0 {
		n := min(room, len(p))
		k.head = append(k.head, p[:n]...)
		p = p[n:]
	}
	if len(p) == 0 {
		return
	}
	k.tail = append(k.tail, p...)
	if len(k.tail) > 2*keepTail {
		k.tail = append(k.tail[:0], k.tail[len(k.tail)-keepTail:]...)
	}
}

// answer reads a whole JSON answer.
func (o *Observer) answer(how record.Outcome, r *record.Record) {
	b := o.body.head
	if o.body.total > len(b) {
		o.largeAnswer(how, r)
		return
	}
	if !get(b, "@valid").IsObject() {
		if how == record.Complete {
			r.Warn("the answer is not a JSON object: not measured")
			o.stream.unread++
		}
		o.noCompletion(r, true)
		return
	}
	r.ResponseModel = clip(kept(get(b, "model")), 256)
	readUsage([]byte(get(b, "usage").Raw), &r.Usage)
	if r.Usage.Source == "" {
		r.Usage.Source = record.SourceNone
	}
	choices, unfinished := 0, false
	elements([]byte(get(b, "choices").Raw), func(c []byte) bool {
		choices++
		reason := clip(kept(get(c, "finish_reason")), 32)
		r.FinishReasons = append(r.FinishReasons, reason)
		unfinished = unfinished || reason == ""
		if reason == "abort" && r.Outcome == record.Complete {
			r.Outcome = record.EngineAbort
		}
		return choices < maxChoices
	})
	if e := get(b, "error"); e.Exists() && e.Type.String() != "Null" {
		setError(r, []byte(e.Raw), o.cfg.ErrorText)
		if how == record.Complete {
			r.Outcome = record.Error
		}
	} else if get(b, "object").String() == "error" { // SGLang's flat form
		setError(r, b, o.cfg.ErrorText)
		if how == record.Complete {
			r.Outcome = record.Error
		}
	}
	o.noCompletion(r, choices == 0 || unfinished)
}

// largeAnswer reads the usage at the end of an answer that was not kept whole.
// A quote inside a JSON string is escaped, so the key can't be found in text.
func (o *Observer) largeAnswer(how record.Outcome, r *record.Record) {
	r.Usage.Source = record.SourceNone
	end := o.body.tail
	if len(end) < keepTail {
		end = append(bytes.Clone(o.body.head[len(o.body.head)-keepTail:]), end...)
	}
	at := bytes.LastIndex(end, []byte(`"usage":`))
	if at < 0 || how != record.Complete {
		r.Warn("answer too large to measure: no usage at its end")
		return
	}
	v := end[at+len(`"usage":`):]
	from := space(v, 0)
	if to := valueEnd(v, from); to > 0 {
		readUsage(v[from:to], &r.Usage)
		r.Warn("large answer: only the usage at its end was read")
	}
}

// readUsage reads an OpenAI usage object (WIRE.md 13) into u and says whether
// it was one that tells something. Keys that are absent or null stay absent.
func readUsage(v []byte, u *record.Usage) bool {
	told := false
	members(v, func(m member) bool {
		switch string(m.key) {
		case "prompt_tokens":
			told = count(m.value, &u.Prompt) || told
		case "completion_tokens":
			told = count(m.value, &u.Completion) || told
		case "reasoning_tokens": // SGLang
			count(m.value, &u.Reasoning)
		case "prompt_tokens_details":
			count([]byte(get(m.value, "cached_tokens").Raw), &u.Cached)
		case "completion_tokens_details":
			count([]byte(get(m.value, "reasoning_tokens").Raw), &u.Reasoning)
		}
		return true
	})
	if told {
		u.Source = record.SourceUsage
	}
	return told
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
