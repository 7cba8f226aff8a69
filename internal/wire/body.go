package wire

import (
	"bytes"

	"tokenomics/internal/record"
)

// Of a JSON answer the first keepHead bytes are kept whole; of a larger one
// also the last keepTail, because most engines write usage behind the data.
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

// end is the last bytes of an answer that was not kept whole.
func (k *bodyKeeper) end() []byte {
	if len(k.tail) < keepTail {
		return append(bytes.Clone(k.head[len(k.head)-keepTail:]), k.tail...)
	}
	return k.tail
}

// countKeys are where an answer's counts are, at its top.
var countKeys = []string{"usage", "meta", "prompt_eval_count"}

// largeAnswer reads the counts of an answer that was not kept whole: they stand
// before the data (llama.cpp's embeddings) or at the end. A quote inside a
// JSON string is escaped, so the key can't be found in text.
func (o *Observer) largeAnswer(how record.Outcome, r *record.Record) {
	r.Usage.Source = record.SourceNone
	if how == record.Complete && (o.countsInHead(r) || o.countsAtEnd(r)) {
		r.Warn("large answer: only its usage was read")
		return
	}
	r.Warn("answer too large to measure: no usage at its end")
}

func (o *Observer) countsInHead(r *record.Record) (found bool) {
	members(o.other.body.head, func(m member) bool {
		found = looseCounts(m.key, m.value, &r.Usage)
		return !found
	})
	return found
}

func (o *Observer) countsAtEnd(r *record.Record) bool {
	end := o.other.body.end()
	for _, key := range countKeys {
		at := bytes.LastIndex(end, []byte(`"`+key+`":`))
		if at < 0 {
			continue
		}
		_, from := keyAt(end, at)
		if to := valueEnd(end, from); to > 0 && looseCounts([]byte(key), end[from:to], &r.Usage) {
			return true
		}
	}
	return false
}

// looseCounts reads the counts that stand under key at the top of an answer
// (WIRE.md 13), and says whether there were any.
func looseCounts(key, v []byte, u *record.Usage) bool {
	switch string(key) {
	case "usage":
		return readUsage(v, u)
	case "meta": // Cohere
		if units := raw(v, "billed_units"); isObject(units) {
			var text, images record.Count
			countIn(units, "input_tokens", &text)
			countIn(units, "image_tokens", &images)
			if text.Ok() || images.Ok() {
				u.Prompt, u.Source = record.Some(text.Or(0)+images.Or(0)), record.SourceUsage
				return true
			}
		}
	case "prompt_eval_count": // Ollama
		if count(v, &u.Prompt) {
			u.Source = record.SourceEngineCounter
			return true
		}
	}
	return false
}
