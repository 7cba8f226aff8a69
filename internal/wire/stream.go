package wire

import (
	"bytes"
	"slices"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/sketch"
)

// maxChoices bounds the timelines of one answer. Engines cap n far below it.
const maxChoices = 1024

// maxTimeline bounds the events kept of one answer: 64 k are hours of decoding.
const maxTimeline = 1 << 16

// stream measures an OpenAI event stream: chat and completions of every engine
// (WIRE.md 2), read by shape.
type stream struct {
	cfg     Config
	choices []*choice
	events  int
	unread  int // events that are not JSON

	firstToken, firstOutput record.Offset

	firstTokens int64 // of the first token event
	firstExact  bool
	gaps, itl   sketch.Sketch
	counted     bool  // every token event so far had an exact count
	streamed    int64 // tokens the live counter was told of
	tokenEvents int
	instants    int           // distinct moments at which token events came
	arrivedAt   time.Duration // of the last token event
	readAt      time.Duration // of this socket read
	readEvents  int           // token events in it
	coalesced   int
	timeline    []record.Event
	final       record.Usage // of the final usage event
	told        record.Usage // what ordinary events and timings told of the prompt
	perEvent    record.TokenSource
	model       string
	done        bool
	orphaned    bool   // the client has left
	failed      []byte // the error event's value
	marks       marks
	finishes    int  // finish events
	heldBack    bool // SGLang: finish events of several choices come at the end
}

// choice is the timeline of one choice while it runs.
type choice struct {
	index      int
	first      record.Offset
	lastEvent  record.Offset
	lastToken  record.Offset
	finish     string
	cumulative int64 // the engine's running count, where it tells one
	total      int64 // sum of the tokens of its events
	exact      bool  // all of them were exact
	events     int   // token events
}

func (s *stream) init(cfg Config) {
	s.cfg = cfg
	s.counted = true
}

// sameInstant is how close two socket reads may be and still be one arrival:
// a lump larger than the read buffer comes in several.
const sameInstant = 100 * time.Microsecond

// beginRead is told the moment of the bytes to come. What one socket read
// brought may come in pieces, chunk by chunk: they have one moment.
func (s *stream) beginRead(at time.Duration) {
	if at != s.readAt {
		s.readAt, s.readEvents = at, 0
	}
}

// arrived counts a token event among those of its read and its instant.
func (s *stream) arrived(at time.Duration) {
	s.readEvents++
	if s.readEvents == 2 {
		s.coalesced++
	}
	if s.tokenEvents == 0 || at-s.arrivedAt > sameInstant {
		s.instants++
	}
	s.arrivedAt = at
	s.tokenEvents++
}

var doneMark = []byte("[DONE]")

// event reads the data of one event.
func (s *stream) event(at time.Duration, data []byte) {
	if bytes.HasPrefix(data, doneMark) {
		s.done = true
		return
	}
	s.events++
	var choices, usage, timings, failed, print []byte
	whole := members(data, func(m member) bool {
		switch string(m.key) {
		case "choices":
			choices = m.value
		case "usage":
			usage = m.value
		case "timings":
			timings = m.value
		case "error":
			failed = m.value
		case "system_fingerprint":
			if !isNull(m.value) {
				print = m.value
			}
		case "model":
			if s.model == "" {
				s.model = clip(text(m.value), 256)
			}
		}
		return true
	})
	switch {
	case !whole:
		s.unread++
		return
	case failed != nil && !isNull(failed):
		if s.failed == nil {
			s.failed = bytes.Clone(failed)
		}
		return
	}
	if isNull(usage) {
		usage = nil
	}
	if timings != nil {
		s.engineTimings(timings)
	}
	before := s.finishes
	if s.choiceEvents(at, choices, usage, timings) > 0 {
		s.eventUsage(usage)
		s.marks.see(print, s.finishes > before)
		return
	}
	if usage != nil && len(print) <= maxFingerprint {
		s.marks.usage = string(print)
	}
	// llama.cpp sends a usage event for each choice, which add up; elsewhere
	// there is one, or the last counts.
	s.finalUsage(usage, timings != nil)
}

// engineTimings reads llama.cpp's counters of the prompt (WIRE.md 6.2).
func (s *stream) engineTimings(v []byte) {
	var cached, computed record.Count
	count([]byte(get(v, "cache_n").Raw), &cached)
	if count([]byte(get(v, "prompt_n").Raw), &computed) {
		s.told.Prompt = record.Some(cached.Or(0) + computed.Or(0))
		s.told.Cached = cached
	}
}

// choiceEvents measures the choices of one event and says how many it has.
func (s *stream) choiceEvents(at time.Duration, choices, usage, timings []byte) (n int) {
	if len(choices) == 0 {
		return 0
	}
	elements(choices, func(v []byte) bool {
		n++
		if n <= maxChoices {
			s.choice(at, v, usage, timings)
		}
		return true
	})
	return n
}

// finalUsage takes usage that stands for the whole answer, or, where it adds,
// for one choice of it.
func (s *stream) finalUsage(usage []byte, adds bool) {
	var u record.Usage
	if usage == nil || !readUsage(usage, &u) {
		return
	}
	if s.final.Source != "" && adds {
		u.Completion = record.Some(s.final.Completion.Or(0) + u.Completion.Or(0))
		if s.cfg.Query.Prompts > 1 {
			u.Prompt = record.Some(s.final.Prompt.Or(0) + u.Prompt.Or(0))
		} else {
			u.Prompt = s.final.Prompt
		}
	}
	s.final = u
}

// eventUsage keeps the prompt side of usage on an ordinary event: what is
// known of a request that ends before its final usage.
func (s *stream) eventUsage(usage []byte) {
	var u record.Usage
	if usage != nil && readUsage(usage, &u) && u.Prompt.Or(0) > 0 {
		s.told.Prompt = u.Prompt
		if u.Cached.Ok() {
			s.told.Cached = u.Cached
		}
		if u.Reasoning.Ok() {
			s.told.Reasoning = u.Reasoning
		}
	}
}

// choice measures one choice of an event.
func (s *stream) choice(at time.Duration, v, usage, timings []byte) {
	e := readDelta(v)
	c := s.choiceOf(e.index)
	if c == nil {
		return
	}
	s.heldBack = s.heldBack || e.matchedStop
	tokens, exact := s.tokens(c, &e, usage, timings)
	if tokens > 0 {
		s.tokenEvent(at, c, tokens, exact)
	}
	if e.visible && !s.firstOutput.Ok() {
		s.firstOutput = record.Some(at)
	}
	if e.finish != "" {
		s.finishes++
		c.finish = clip(e.finish, 32)
		if !s.heldBack || s.cfg.Query.N <= 1 && s.cfg.Query.Prompts <= 1 {
			c.lastToken = record.Some(at)
		}
	}
}

// tokens is how many tokens the event brought to its choice, and whether that
// is exact, in WIRE.md 11's order of trust.
func (s *stream) tokens(c *choice, e *delta, usage, timings []byte) (n int64, exact bool) {
	var running record.Count
	source := record.SourceContinuous
	if usage != nil {
		count([]byte(get(usage, "completion_tokens").Raw), &running)
	}
	if timings != nil && running.Or(0) == 0 {
		count([]byte(get(timings, "predicted_n").Raw), &running)
		source = record.SourceEngineCounter
	}
	// A count that first shows up at the finish is the total of all events
	// before, not the tokens of this one.
	if total := running.Or(0); total > 0 && (e.finish == "" || c.cumulative > 0 || c.events == 0) {
		n, c.cumulative = total-c.cumulative, max(total, c.cumulative)
		s.perEvent = source
		return max(0, n), true
	}
	if total := running.Or(0); total > 0 {
		s.finishTotal(c, total, usage, source)
	}
	switch {
	case e.tokenIDs > 0:
		s.trust(record.SourceTokenIDs)
		return e.tokenIDs, true
	case e.logprobs > 0 && !s.cfg.Query.Echo:
		s.trust(record.SourceLogprobs)
		return e.logprobs, true
	case e.text:
		return 1, false
	}
	return 0, false
}

// finishTotal keeps a total that came with a choice's finish (llama.cpp's
// completions and timings) as if it had come in a usage event.
func (s *stream) finishTotal(c *choice, total int64, usage []byte, source record.TokenSource) {
	c.cumulative = total
	s.perEvent = source
	s.finalUsage(usage, true)
}

func (s *stream) trust(source record.TokenSource) {
	if s.perEvent == "" {
		s.perEvent = source
	}
}

// tokenEvent counts an event that brought tokens.
func (s *stream) tokenEvent(at time.Duration, c *choice, tokens int64, exact bool) {
	now := record.Some(at)
	s.arrived(at)
	s.counted = s.counted && exact
	if !s.firstToken.Ok() {
		s.firstToken = now
		s.firstTokens, s.firstExact = tokens, exact
	}
	if last, ok := c.lastEvent.Get(); ok {
		gap := float64(at-last) / float64(time.Millisecond)
		s.gaps.Add(gap)
		if s.counted {
			s.itl.AddN(gap/float64(tokens), float64(tokens))
		}
	} else {
		c.first = now
	}
	c.lastEvent, c.lastToken = now, now
	c.events++
	c.total += tokens
	c.exact = c.exact && exact
	s.streamed += tokens
	if s.cfg.Live != nil {
		s.cfg.Live.Stream(tokens)
		if s.orphaned {
			s.cfg.Live.AfterClient.Add(tokens)
		}
	}
	if s.cfg.Timeline && len(s.timeline) < maxTimeline {
		told := 0
		if exact {
			told = int(tokens)
		}
		s.timeline = append(s.timeline, record.Event{At: at, Tokens: told})
	}
}

// choiceOf is the timeline of a choice; nil when there are too many.
func (s *stream) choiceOf(index int) *choice {
	if index < len(s.choices) && s.choices[index].index == index {
		return s.choices[index]
	}
	at, found := slices.BinarySearchFunc(s.choices, index, func(c *choice, i int) int { return c.index - i })
	if found {
		return s.choices[at]
	}
	if len(s.choices) >= maxChoices {
		return nil
	}
	c := &choice{index: index, exact: true}
	s.choices = slices.Insert(s.choices, at, c)
	return c
}
