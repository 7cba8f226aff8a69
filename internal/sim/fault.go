package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FaultHeader is the request header that asks for faults: one or more of
// Faults' names, with arguments, separated by commas.
const FaultHeader = "X-Sim-Fault"

// Fault is something that goes wrong (or unusual) in an answer. Its text form is
// name[=argument][@probability].
type Fault struct {
	Name string
	// N is the argument of faults that take a number: a status, events, tokens or bytes.
	N int
	// S is the argument of faults that take a word.
	S string
	// D is the argument of faults that take a duration.
	D time.Duration
	// Probability of the fault for a request. ParseFault gives 1 where none is named.
	Probability float64
}

type faultKind struct {
	name, help string
	n          int           // default of N
	d          time.Duration // default of D; set for those that take a duration
	words      []string      // what S may be, its default first
	bare       bool          // takes no argument
}

func faultKinds() []faultKind {
	return []faultKind{
		{name: "status", n: 503, help: "answer with this status and the engine's error body"},
		{name: "error-event", n: 2, help: "after that many events of a 200 stream, an error as the engine tells it there"},
		{name: "cut", n: 3, help: "close the connection after that many events, without the terminating chunk"},
		{name: "reset", n: 3, help: "reset the connection (RST) after that many events"},
		{name: "stall", d: 5 * time.Second, help: "wait that much longer before the first token"},
		{name: "hang", bare: true, help: "never answer"},
		{name: "garbage", n: 2, help: "an event that is not JSON after that many events"},
		{name: "comment", n: 1, help: "a comment, as engines send to keep a connection alive, after that many events"},
		{name: "no-done", bare: true, help: "leave out what ends a stream: [DONE], or the last event"},
		{name: "slow-headers", d: 500 * time.Millisecond, help: "spread the response head over that time"},
		{name: "split", n: 7, help: "write events in pieces of that many bytes, a chunk each"},
		{name: "coalesce", n: 4, help: "write that many events at once"},
		{name: "crlf", bare: true, help: "end event lines with CRLF"},
		{name: "big-event", n: 1 << 20, help: "pad the first event that carries a token to that many bytes"},
		{name: "abort", n: 3, help: "end after that many tokens with finish_reason abort"},
		{name: "encode", words: []string{"auto", "gzip", "br", "zstd"}, help: "encode the body, each event apart; auto is what the client accepts"},
		{name: "informational", n: 103, help: "send that 1xx answer before the answer"},
		{name: "trailers", bare: true, help: "end a chunked body with a trailer"},
		{name: "content-length", bare: true, help: "send a stream with its Content-Length"},
		{name: "close-delimited", bare: true, help: "let the end of the connection be the end of the body"},
		{name: "http10", bare: true, help: "answer with HTTP/1.0"},
	}
}

// FaultHelp describes every fault, a line each.
func FaultHelp() string {
	var b strings.Builder
	for _, k := range faultKinds() {
		arg := k.name
		switch {
		case k.d > 0:
			arg += "=" + k.d.String()
		case k.words != nil:
			arg += "=" + k.words[0]
		case !k.bare:
			arg += "=" + strconv.Itoa(k.n)
		}
		fmt.Fprintf(&b, "  %-18s %s\n", arg, k.help)
	}
	return b.String()
}

// maxFaultN bounds a fault's number: a big event of 256 MiB.
const maxFaultN = 256 << 20

// ParseFault reads a fault.
func ParseFault(s string) (Fault, error) {
	text, prob, hasProb := strings.Cut(strings.TrimSpace(s), "@")
	name, arg, hasArg := strings.Cut(text, "=")
	f := Fault{Name: name, Probability: 1}
	if hasProb {
		p, err := strconv.ParseFloat(prob, 64)
		if err != nil || !(p >= 0 && p <= 1) {
			return f, fmt.Errorf("parsing fault %q: probability %q is not between 0 and 1", s, prob)
		}
		f.Probability = p
	}
	var names []string
	for _, k := range faultKinds() {
		if k.name == name {
			return f, f.argument(k, s, arg, hasArg)
		}
		names = append(names, k.name)
	}
	return f, fmt.Errorf("parsing fault %q: unknown; want one of %s", s, strings.Join(names, ", "))
}

func (f *Fault) argument(k faultKind, s, arg string, has bool) (err error) {
	f.N, f.D = k.n, k.d
	if k.words != nil {
		f.S = k.words[0]
	}
	switch {
	case !has:
		return nil
	case k.bare:
		return fmt.Errorf("parsing fault %q: %s takes no argument", s, k.name)
	case k.words != nil:
		if f.S = arg; !slices.Contains(k.words, arg) {
			return fmt.Errorf("parsing fault %q: %q is not one of %s", s, arg, strings.Join(k.words, ", "))
		}
		return nil
	case k.d > 0:
		if f.D, err = time.ParseDuration(arg); err != nil || f.D < 0 {
			return fmt.Errorf("parsing fault %q: %q is not a duration such as 5s", s, arg)
		}
		return nil
	}
	low, high := 0, maxFaultN
	switch k.name {
	case "status":
		low, high = 400, 599
	case "informational":
		low, high = 102, 199
	case "split", "coalesce":
		low = 1
	}
	if f.N, err = strconv.Atoi(arg); err != nil || f.N < low || f.N > high {
		return fmt.Errorf("parsing fault %q: %q is not a number from %d to %d", s, arg, low, high)
	}
	return nil
}

// String is the fault's text form without its probability.
func (f Fault) String() string {
	for _, k := range faultKinds() {
		switch {
		case k.name != f.Name:
		case k.d > 0:
			return f.Name + "=" + f.D.String()
		case k.words != nil:
			return f.Name + "=" + f.S
		case !k.bare:
			return f.Name + "=" + strconv.Itoa(f.N)
		}
	}
	return f.Name
}

// faults are those of one request.
type faults []Fault

// get returns the fault of that name, if the request has it.
func (fs faults) get(name string) (Fault, bool) {
	for _, f := range fs {
		if f.Name == name {
			return f, true
		}
	}
	return Fault{}, false
}

func (fs faults) has(name string) bool {
	_, ok := fs.get(name)
	return ok
}

func (fs faults) names() []string {
	var out []string
	for _, f := range fs {
		out = append(out, f.String())
	}
	return out
}

// rollFaults returns the faults of request number n: those of the header, which
// are certain, and those of the configuration, by chance.
func (c *Config) rollFaults(header string, n uint64) (faults, error) {
	var out faults
	if header != "" && !c.NoFaultHeader {
		for s := range strings.SplitSeq(header, ",") {
			f, err := ParseFault(s)
			if err != nil {
				return nil, err
			}
			out = append(out, f)
		}
	}
	r := source(c.Seed, streamFault, n)
	for _, f := range c.Faults {
		if r.Float64() < f.Probability && !out.has(f.Name) {
			out = append(out, f)
		}
	}
	return out, nil
}
