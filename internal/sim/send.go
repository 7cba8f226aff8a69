package sim

import "bytes"

// send frames s.payload as an event and writes it, unless it is to wait for others.
func (s *stream) send(e emission, n note) error {
	if f, ok := s.x.faults.get("big-event"); ok && e.kind == EventToken && !s.padded {
		s.pad(f.N)
	}
	before := len(s.chunk)
	s.chunk = s.frame(s.chunk, e.name)
	s.unsent = append(s.unsent, TruthEvent{Kind: e.kind, Choice: e.choice, Tokens: n.tokens, Bytes: len(s.chunk) - before})
	s.notes = append(s.notes, n)
	s.events++
	if e.joined {
		return nil
	}
	return s.shut()
}

// comment sends what llama.cpp and TGI send when they are silent for long.
func (s *stream) comment() error {
	before := len(s.chunk)
	s.chunk = append(s.chunk, ":\n\n"...)
	s.unsent = append(s.unsent, TruthEvent{Kind: EventNote, Bytes: len(s.chunk) - before})
	s.notes = append(s.notes, note{})
	return s.shut()
}

// frame appends s.payload as an event of that name, or as a line.
func (s *stream) frame(dst []byte, name string) []byte {
	eol := "\n"
	if s.x.faults.has("crlf") {
		eol = "\r\n"
	}
	if s.fr.lines {
		return append(append(dst, s.payload...), eol...)
	}
	if name != "" {
		dst = append(append(append(dst, "event: "...), name...), eol...)
	}
	dst = append(append(dst, "data: "...), s.payload...)
	return append(append(dst, eol...), eol...)
}

// pad grows the first token event to n bytes with a key of its own.
func (s *stream) pad(n int) {
	s.padded = true
	fill := max(n-len(s.payload)-len(`,"padding":""`), 0)
	s.payload = append(s.payload[:len(s.payload)-1], `,"padding":"`...)
	s.payload = append(s.payload, bytes.Repeat([]byte{'x'}, fill)...)
	s.payload = append(s.payload, `"}`...)
}

// shut ends the chunk, and writes it unless it is to wait for others.
func (s *stream) shut() error {
	if len(s.chunk) == 0 {
		return nil
	}
	piece, err := s.d.encode(s.chunk)
	if err != nil {
		return err
	}
	s.chunk = s.chunk[:0]
	if f, ok := s.x.faults.get("split"); ok {
		return s.shutSplit(piece, f.N)
	}
	s.out = s.d.frame(s.out, piece)
	if f, ok := s.x.faults.get("coalesce"); ok && len(s.unsent) < f.N {
		return nil
	}
	return s.flush()
}

// shutSplit writes a chunk in pieces of n bytes, a chunk and a write each.
func (s *stream) shutSplit(piece []byte, n int) error {
	for len(piece) > n {
		s.out = s.d.frame(s.out[:0], piece[:n])
		if err := s.write(); err != nil {
			return err
		}
		piece = piece[n:]
	}
	s.out = s.d.frame(s.out[:0], piece)
	return s.flush()
}

func (s *stream) write() error {
	if s.dry {
		s.size += len(s.out)
		return nil
	}
	return s.x.write(s.out)
}

// flush writes what is framed and books its events at the moment that returns.
func (s *stream) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	if err := s.write(); err != nil {
		return err
	}
	if !s.dry {
		s.book(s.x.since(s.x.s.now()))
	}
	s.unsent, s.notes, s.out = s.unsent[:0], s.notes[:0], s.out[:0]
	return nil
}

// book notes the events that were written.
func (s *stream) book(at int64) {
	t := &s.x.truth
	for i, e := range s.unsent {
		e.AtNS = at
		t.Events = append(t.Events, e)
		n := s.notes[i]
		t.CompletionTokens += n.tokens
		t.ReasoningTokens += n.reasoning
		if n.tokens > 0 || n.finish != "" {
			t.Choices[n.choice].CompletionTokens += n.tokens
		}
		if n.finish != "" {
			t.Choices[n.choice].FinishReason = n.finish
		}
		if n.tokens > 0 {
			s.x.account.count(n.tokens)
		}
	}
}
