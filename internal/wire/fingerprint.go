package wire

import (
	"bytes"
	"strings"
	"sync"
)

// Fingerprint is where an engine writes its system_fingerprint. vLLM (from
// 0.22.1 on; captured on 0.32.0) writes it on every finish event, but where a usage
// event follows, on that one instead. Who removes the usage event has to put
// it back. The value is constant for the life of the engine's process.
type Fingerprint struct {
	mu    sync.Mutex // protects moved
	moved *moved
}

// moved is what one answer goes by: it does not change under it. nil = not known.
type moved struct {
	json string // the value as it is written, quotes included; "" = nothing moves
}

// maxFingerprint bounds what is kept of an engine's string.
const maxFingerprint = 256

// Known says whether an answer has told how the engine does it.
func (f *Fingerprint) Known() bool { return f.known() != nil }

// Forget is for when another engine may have come.
func (f *Fingerprint) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.moved = nil
}

func (f *Fingerprint) learn(json string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.moved == nil || f.moved.json != json {
		f.moved = &moved{json}
	}
}

func (f *Fingerprint) known() *moved {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.moved
}

// none says that the engine is known to move nothing.
func (m *moved) none() bool { return m != nil && m.json == "" }

// put is the finish event with the fingerprint at its end, where vLLM has it.
func (m *moved) put(event []byte) []byte {
	at := bytes.LastIndexByte(event, '}')
	if m == nil || m.json == "" || at < 0 {
		return event
	}
	return splice(event, at, at, `,"system_fingerprint":`+m.json)
}

// finishing says whether the event ends a choice and has no fingerprint.
func finishing(data []byte) bool {
	if !bytes.Contains(data, finishKey) {
		return false // most events, for the price of one search
	}
	ends, marked := false, false
	members(data, func(m member) bool {
		switch string(m.key) {
		case "choices":
			elements(m.value, func(c []byte) bool {
				members(c, func(m member) bool {
					ends = ends || string(m.key) == "finish_reason" && hasText(m.value)
					return !ends
				})
				return !ends
			})
		case "system_fingerprint":
			marked = marked || !isNull(m.value)
		}
		return true
	})
	return ends && !marked
}

var finishKey = []byte(`"finish_reason":"`)

// usageFingerprint is the fingerprint on a usage event, as it is written.
func usageFingerprint(data []byte) string {
	v := get(data, "system_fingerprint").Raw
	if len(v) > maxFingerprint || !hasText([]byte(v)) {
		return ""
	}
	return strings.Clone(v)
}

// marks is where one stream had fingerprints.
type marks struct {
	last     string // on a finish event, or else on the usage event, as written
	finish   bool   // that was a finish event
	ordinary bool   // there was one on an event that ends no choice
}

func (m *marks) see(print []byte, finishes bool) {
	switch {
	case len(print) == 0 || len(print) > maxFingerprint:
	case finishes:
		m.last, m.finish = string(print), true
	default:
		m.ordinary = true
	}
}

// seeUsage is see for the usage event.
func (m *marks) seeUsage(print []byte) {
	if !m.finish && len(print) <= maxFingerprint {
		m.last = string(print)
	}
}

// moves is the fingerprint that goes where a usage event is, "" when none does.
func (m *marks) moves() string {
	if m.ordinary {
		return ""
	}
	return m.last
}

// splice is b with a string in the place of its bytes [from, to).
func splice(b []byte, from, to int, with string) []byte {
	out := make([]byte, 0, len(b)+len(with))
	out = append(out, b[:from]...)
	out = append(out, with...)
	return append(out, b[to:]...)
}
