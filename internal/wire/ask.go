package wire

import "github.com/tidwall/gjson"

// Ask is what is asked of the engine beyond what the client asked.
type Ask int

const (
	AskNothing    Ask = iota
	AskFinal          // stream_options.include_usage: one extra event at the end
	AskContinuous     // and continuous_usage_stats: usage on every event
)

// Strip is what has to be removed from the answer because the client did not
// ask for it. The zero value removes nothing.
type Strip struct {
	Final    bool // the event that carries the usage
	PerEvent bool // the usage on every other event
}

// Any says whether there is something to remove.
func (s Strip) Any() bool { return s.Final || s.PerEvent }

// Splice puts With in the place of a body's bytes [From, To). The zero value
// changes nothing.
type Splice struct {
	From, To int
	With     string
}

// Edit is what has to be done to body for usage to be asked for, and what that adds
// to the answer. The rest of the body stays as it is to the byte: key order, number
// forms and white space survive. Where there is nothing to add, or doubt, both are
// zero.
func (q *Query) Edit(body []byte, ask Ask) (Splice, Strip) {
	if ask == AskNothing || !q.editable || !q.Stream {
		return Splice{}, Strip{}
	}
	if q.Continuous && !q.Usage {
		// Of no effect on vLLM unless we ask too, and effective on SGLang: what the
		// client would have got can't be told from what we asked for.
		return Splice{}, Strip{}
	}
	strip := Strip{Final: !q.Usage, PerEvent: ask == AskContinuous && !q.Continuous}
	if !strip.Any() || !gjson.ValidBytes(body) { // which the engine shall be the one to say
		return Splice{}, Strip{}
	}
	options, found := member{}, false
	members(body, func(m member) bool {
		if string(m.key) == "stream_options" {
			options, found = m, true
		}
		return !found
	})
	value := options.end - len(options.value)
	switch {
	case !found:
		// `stream` is a member, so there is one to put a comma behind.
		at := lastBrace(body)
		return Splice{at, at, strip.options(`,"stream_options":`)}, strip
	case isNull(options.value):
		return Splice{value, options.end, strip.options("")}, strip
	}
	merged, ok := mergeOptions(options.value, strip.PerEvent)
	if !ok {
		return Splice{}, Strip{}
	}
	return Splice{value, options.end, merged}, strip
}

// options are those that ask for s, with key in front of them.
func (s Strip) options(key string) string {
	if s.PerEvent {
		return key + `{"include_usage":true,"continuous_usage_stats":true}`
	}
	return key + `{"include_usage":true}`
}

// mergeOptions adds the usage keys to the client's own stream_options. Not ok
// when they are not an object, or say one thing twice.
func mergeOptions(options []byte, perEvent bool) (string, bool) {
	out := string(options)
	set := func(key string) bool {
		times, at := 0, member{}
		ok := members([]byte(out), func(m member) bool {
			if string(m.key) == key {
				times++
				at = m
			}
			return true
		})
		if !ok || times > 1 {
			return false
		}
		if times == 1 {
			if v := string(at.value); v != "true" && v != "false" && v != "null" {
				return false // what the engine makes of it is its own business
			}
			out = out[:at.end-len(at.value)] + "true" + out[at.end:]
			return true
		}
		brace, comma := lastBrace([]byte(out)), ","
		if space([]byte(out), 1) == brace {
			comma = ""
		}
		out = out[:brace] + comma + `"` + key + `":true` + out[brace:]
		return true
	}
	if !set("include_usage") || (perEvent && !set("continuous_usage_stats")) {
		return "", false
	}
	return out, true
}

// lastBrace is where the object that ends b closes.
func lastBrace(b []byte) int {
	i := len(b) - 1
	for i > 0 && b[i] != '}' {
		i--
	}
	return i
}
