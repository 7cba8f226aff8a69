package wire

import (
	"bytes"
	"time"

	"tokenomics/internal/record"
)

// stream is what the events of one answer come to, whatever dialect they are
// of: the grammar reads them and tells the stream.
type stream struct {
	cfg     *Config
	grammar grammar // nil until an event has shown its shape
	choices []choice
	ids     *answerIDs // nil until an event has shown one, and where none are kept
	model   string

	firstToken, firstOutput record.Moment

	rhythm      *rhythm // nil until there is one
	words       *words  // nil until the engine has said something of the whole answer
	perEvent    record.TokenSource
	firstTokens int64         // of the first token event
	arrivedAt   time.Duration // of the last token event
	readAt      time.Duration // of this socket read

	events      int32
	unread      int32 // events that are not JSON
	tokenEvents int32
	instants    int32 // distinct moments at which token events came
	readEvents  int32 // token events in this socket read
	coalesced   int32
	finishes    int32 // finish events
	firstExact  bool  // firstTokens is an exact count
	counted     bool  // every token event so far had an exact count
	added       bool  // final is the sum of several
	provisional bool  // told.Prompt is a first word that the end may correct
	done        bool  // the terminator has come
	orphaned    bool  // the client has left
	marked      bool  // SGLang's mark is on its choices
	heldBack    bool  // SGLang's chat: finish events of several choices come at the end
}

// words are what the engine has said of the whole answer.
type words struct {
	final  record.Usage        // of the final usage event
	told   *record.Usage       // what was told before that; nil = nothing
	took   *record.EngineTimes // what the last event tells of the engine's own time; nil = nothing
	failed *engineError        // nil = it has not failed
}

// said is what the engine has said.
func (s *stream) said() words {
	if s.words == nil {
		return words{}
	}
	return *s.words
}

// say is where to put what it says.
func (s *stream) say() *words {
	if s.words == nil {
		s.words = new(words)
	}
	return s.words
}

// account keeps the engine's account of its own time, if it is one.
func (s *stream) account(t record.EngineTimes) {
	if t != (record.EngineTimes{}) {
		s.say().took = &t
	}
}

// init makes the stream ready for the answer that cfg is about.
func (s *stream) init(cfg *Config) {
	s.cfg = cfg
	s.counted = true
}

var doneMark = []byte("[DONE]")

// event reads one event. name is of its event line, nil where there is none.
func (s *stream) event(at time.Duration, name, data []byte) {
	if data[0] == '[' && bytes.HasPrefix(data, doneMark) {
		s.done = true
		return
	}
	s.events++
	if isNull(data) {
		return // llama.cpp begins a stream of several prompts with it
	}
	g := s.grammar
	if g == nil {
		var certain bool
		if g, certain = grammarOf(s.cfg.Query.Dialect, name, data); certain {
			s.grammar = g
		}
	}
	if !g.event(s, at, name, data) {
		s.unread++
	}
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

// token counts an event that brought tokens to a choice.
func (s *stream) token(at time.Duration, c *choice, tokens int64, exact bool) {
	s.arrived(at)
	s.counted = s.counted && exact
	if !s.firstToken.Ok() {
		s.firstToken = record.At(at)
		s.firstTokens, s.firstExact = tokens, exact
	}
	if c.events > 0 {
		s.pace().gap(float64(at-c.last)/float64(time.Millisecond), tokens, s.counted)
	} else {
		c.first = at
	}
	c.last, c.lastToken = at, record.At(at)
	c.events++
	c.total += tokens
	c.exact = c.exact && exact
	if live := s.cfg.Live; live != nil {
		live.Stream(tokens)
		if s.orphaned {
			live.AfterClient.Add(tokens)
		}
	}
	if s.cfg.Timeline {
		s.pace().event(at, tokens, exact)
	}
}

// streamed is how many tokens the live counter was told of.
func (s *stream) streamed() (n int64) {
	for i := range s.choices {
		n += s.choices[i].total
	}
	return n
}

// output is told that something visible came.
func (s *stream) output(at time.Duration) {
	if !s.firstOutput.Ok() {
		s.firstOutput = record.At(at)
	}
}

// running takes a choice's running count, as far as this event has one, and
// says how many tokens the event brought by it.
func (s *stream) running(c *choice, total int64, finishes bool, source record.TokenSource) (n int64, ok bool) {
	if total <= 0 {
		return 0, false
	}
	s.perEvent = source
	// A count that first shows up at the finish is the total of all events
	// before, not the tokens of this one.
	late := finishes && c.cumulative == 0 && c.events > 0
	n = total - c.cumulative
	c.cumulative = max(total, c.cumulative)
	return max(0, n), !late
}

// one is the estimate for an event whose tokens are not told.
func one(text bool) int64 {
	if text {
		return 1
	}
	return 0
}

// trust notes where counts come from, where no better source has shown itself.
func (s *stream) trust(source record.TokenSource) {
	if s.perEvent == "" {
		s.perEvent = source
	}
}

// finish ends a choice. reason is as the engine puts it, "" where it has none.
func (s *stream) finish(at time.Duration, c *choice, reason string) {
	s.finishes++
	c.finished, c.finish = true, clip(reason, 32)
	if !s.heldBack || s.cfg.Query.Choices() == 1 {
		c.lastToken = record.At(at)
	}
}

// fail keeps the first error that an event tells.
func (s *stream) fail(e engineError) {
	if w := s.say(); w.failed == nil {
		w.failed = &e
	}
}

// named keeps the model's name, which most events repeat.
func (s *stream) named(model []byte) {
	if s.model != "" || !hasText(model) {
		return
	}
	if asked := s.cfg.Query.Model; string(model[1:len(model)-1]) == asked {
		s.model = asked // most engines repeat it: one copy will do
		return
	}
	s.model = clip(text(model), 256)
}

// setFinal takes the usage of the whole answer.
func (s *stream) setFinal(u record.Usage) { s.say().final = u }

// valueAt is *u, and a Usage that tells nothing where there is none.
func valueAt(u *record.Usage) record.Usage {
	if u == nil {
		return record.Usage{}
	}
	return *u
}
