package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// plan is one request: what is asked, what the engine does with it, and how its
// client behaves. Every byte of request and answer follows from it, so that
// either end can check what it gets against what it must be.
type plan struct {
	id     int64
	kind   kind
	events int           // content events of a stream
	size   int           // bytes of filler in an event, or in the answer
	body   int           // bytes of filler in the request
	usage  bool          // the client asks for usage itself
	gap    time.Duration // between events
	fault  string        // the engine's; "" for none
	at     int           // the event that the fault comes before

	client // the engine is not told
}

// client is how the client of one request behaves.
type client struct {
	send  string // how the request is written: "", chunked, http10, expect, close, slow
	slow  bool   // the answer is read slowly
	leave string // where it leaves: "", head, body, wait, first, mid
	how   string // how it leaves: fin, rst, half
	after int    // of mid: bytes of the body; 0 = the first
}

type kind string

// What is asked for.
const (
	stream      kind = "stream"      // /v1/chat/completions
	completions kind = "completions" // a stream of /v1/completions
	whole       kind = "whole"       // chat without a stream
	embeddings  kind = "embeddings"
	get         kind = "get" // passed through
	headOnly    kind = "head"
)

func (k kind) streams() bool { return k == stream || k == completions }

func (k kind) hasBody() bool { return k != get && k != headOnly }

func (k kind) method() string {
	switch k {
	case get:
		return "GET"
	case headOnly:
		return "HEAD"
	}
	return "POST"
}

func (k kind) path() string {
	switch k {
	case stream, whole:
		return "/v1/chat/completions"
	case completions:
		return "/v1/completions"
	case embeddings:
		return "/v1/embeddings"
	}
	return "/files/text?of=filler"
}

// idLength is the length of an id: it is found again in every piece of content.
const idLength = 10

func appendID(dst []byte, id int64) []byte {
	dst = append(dst, 'q')
	for div := int64(100_000_000); div > 0; div /= 10 {
		dst = append(dst, byte('0'+id/div%10))
	}
	return dst
}

// parseID is the number of an id at the start of b.
func parseID(b []byte) (id int64, ok bool) {
	if len(b) < idLength || b[0] != 'q' {
		return 0, false
	}
	for _, c := range b[1:idLength] {
		if c < '0' || c > '9' {
			return 0, false
		}
		id = id*10 + int64(c-'0')
	}
	return id, true
}

func (p *plan) name() string { return string(appendID(nil, p.id)) }

// appendLine writes what the engine has to know, as the value of X-Plan.
func (p *plan) appendLine(dst []byte) []byte {
	dst = appendID(dst, p.id)
	dst = append(append(dst, ' '), p.kind...)
	usage := 0
	if p.usage {
		usage = 1
	}
	for _, n := range [...]int{p.events, p.size, p.body, usage, int(p.gap / time.Microsecond), p.at} {
		dst = strconv.AppendInt(append(dst, ' '), int64(n), 10)
	}
	fault := p.fault
	if fault == "" {
		fault = "none"
	}
	return append(append(dst, ' '), fault...)
}

var errNoPlan = errors.New("no X-Plan, or one that can't be read")

// parse reads what appendLine wrote.
func (p *plan) parse(line []byte) error {
	f := strings.Fields(string(line))
	if len(f) != 9 {
		return errNoPlan
	}
	id, ok := parseID([]byte(f[0]))
	if !ok {
		return errNoPlan
	}
	var n [6]int
	for i := range n {
		v, err := strconv.Atoi(f[2+i])
		if err != nil {
			return fmt.Errorf("%w: %q", errNoPlan, f[2+i])
		}
		n[i] = v
	}
	*p = plan{id: id, kind: kind(f[1]), events: n[0], size: n[1], body: n[2], usage: n[3] == 1,
		gap: time.Duration(n[4]) * time.Microsecond, at: n[5], fault: f[8]}
	if p.fault == "none" {
		p.fault = ""
	}
	return nil
}
