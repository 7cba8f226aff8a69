package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPlanTravels(t *testing.T) {
	p := &plan{id: 123456789, kind: completions, events: 7, size: 30, body: 200, usage: true, gap: 1500 * time.Microsecond, fault: rstMid, at: 3}
	got := new(plan)
	if err := got.parse(p.appendLine(nil)); err != nil || *got != *p {
		t.Errorf("got %+v, %v, want %+v", got, err, p)
	}
	for _, line := range []string{"", "q123456789 stream", "x123456789 stream 1 2 3 0 0 0 none", "q123456789 stream 1 2 three 0 0 0 none"} {
		if err := got.parse([]byte(line)); !errors.Is(err, errNoPlan) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestCheckerNotices(t *testing.T) {
	p := &plan{id: 17, kind: stream, events: 5, size: 40}
	other := &plan{id: 18, kind: stream, events: 5, size: 40}
	want := p.appendAnswer(nil)
	flipped := bytes.Clone(want)
	flipped[len(want)/2] ^= 1
	swapped := slices.Concat(want[:300], other.appendAnswer(nil)[300:])
	twice := slices.Concat(want[:bytes.Index(want, []byte("\n\n"))+2], want)
	for _, tc := range []struct {
		name         string
		got          []byte
		exact, wrong bool
		alien        bool
	}{
		{"the answer", want, true, false, false},
		{"a beginning", want[:len(want)-1], false, false, false},
		{"nothing", nil, false, false, false},
		{"one bit", flipped, false, true, false},
		{"more than all", append(bytes.Clone(want), "data: x\n\n"...), false, true, false},
		{"another's bytes in the middle", swapped, false, true, true},
		{"another's answer", other.appendAnswer(nil), false, true, true},
		{"another's answer behind", slices.Concat(want, other.appendAnswer(nil)), false, true, true},
		{"an event twice", twice, false, true, false},
	} {
		for _, step := range []int{1, 7, 1 << 20} {
			c := &checker{own: p.id, want: want}
			for rest := tc.got; len(rest) > 0; {
				n := min(step, len(rest))
				c.feed(rest[:n])
				rest = rest[n:]
			}
			if c.exact() != tc.exact || (c.wrong != "") != tc.wrong {
				t.Errorf("%s, %d at a time: exact %t, wrong %q", tc.name, step, c.exact(), c.wrong)
			}
			if step > 1000 && c.alien != tc.alien {
				t.Errorf("%s: alien %t", tc.name, c.alien)
			}
		}
	}
}

func TestSameRequest(t *testing.T) {
	p := &plan{id: 5, kind: stream, body: 100}
	asks := &plan{id: 5, kind: stream, body: 100, usage: true}
	body := string(p.appendRequest(nil))
	for _, tc := range []struct {
		name        string
		p           *plan
		got         string
		same, asked bool
	}{
		{"untouched", p, body, true, false},
		{"asked at the end", p, body[:len(body)-1] + usageRequest + "}", true, true},
		{"asked at the start", p, `{"stream_options":{"include_usage":true},` + body[1:], true, true},
		{"asked although the client asks", asks, body[:len(body)-1] + usageRequest + "}", false, false},
		{"the client asks", asks, string(asks.appendRequest(nil)), true, false},
		{"asked and changed", p, strings.Replace(body[:len(body)-1], "0.70", "0.7", 1) + usageRequest + "}", false, true},
		{"changed", p, strings.Replace(body, "0.70", "0.7", 1), false, false},
		{"cut", p, body[:50], false, false},
		{"another's", p, string((&plan{id: 6, kind: stream, body: 100}).appendRequest(nil)), false, false},
	} {
		if same, asked := tc.p.sameRequest([]byte(tc.got)); same != tc.same || asked != tc.asked {
			t.Errorf("%s: same %t, asked %t", tc.name, same, asked)
		}
	}
}

func TestFraming(t *testing.T) {
	for _, tc := range []struct {
		name, head, rest string
		want             string // of the body
		whole            bool
	}{
		{"length", "Content-Length: 3\r\n", "abcX", "abc", true},
		{"length cut", "Content-Length: 3\r\n", "ab", "ab", false},
		{"chunks", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Sum: 1\r\n\r\nX", "abcde", true},
		{"chunks cut", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nd", "abcd", false},
		{"no last chunk", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n", "abc", false},
		{"bad size", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\nzz\r\n", "abc", false},
		{"bad end", "Transfer-Encoding: chunked\r\n", "3\r\nabcXX0\r\n\r\n", "abc", false},
		{"to the end", "", "abc", "abc", true},
		{"both", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "abc", "", false},
		{"two lengths", "Content-Length: 3\r\nContent-Length: 3\r\n", "abc", "", false},
		{"identity", "Transfer-Encoding: identity\r\n", "abc", "", false},
		{"a signed length", "Content-Length: +3\r\n", "abc", "", false},
	} {
		br := bufio.NewReaderSize(strings.NewReader("HTTP/1.1 200 OK\r\n"+tc.head+"\r\n"+tc.rest), 16)
		var h head
		if err := h.read(br); err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		f, err := h.framing(true)
		var got, trailers []byte
		if err == nil {
			err = readBody(br, f, func(b []byte) { got = append(got, b...) }, &trailers)
		}
		if string(got) != tc.want || (err == nil) != tc.whole {
			t.Errorf("%s: %q, %v", tc.name, got, err)
		}
		if tc.name == "chunks" && string(trailers) != "X-Sum: 1\r\n" {
			t.Errorf("trailers %q", trailers)
		}
	}
}

func TestHeadIsWholeOrNot(t *testing.T) {
	for _, tc := range []struct {
		raw  string
		want error
	}{
		{"", io.EOF},
		{"GET / HT", io.ErrUnexpectedEOF},
		{"GET / HTTP/1.1\r\nHost: a\r\n", io.ErrUnexpectedEOF},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", nil},
		{"GET / HTTP/1.1\r\nX: " + strings.Repeat("x", headLimit) + "\r\n\r\n", errHeadTooLarge},
	} {
		var h head
		if err := h.read(bufio.NewReaderSize(strings.NewReader(tc.raw), 16)); !errors.Is(err, tc.want) {
			t.Errorf("%.40q: %v, want %v", tc.raw, err, tc.want)
		}
	}
}

func TestStrictRequest(t *testing.T) {
	for _, tc := range []struct {
		name, raw string
		good      bool
	}{
		{"good", "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", true},
		{"absolute target", "GET http://b/a HTTP/1.1\r\nHost: a\r\n\r\n", false},
		{"two Hosts", "GET /a HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", false},
		{"no Host", "GET /a HTTP/1.1\r\nX: a\r\n\r\n", false},
		{"folded", "GET /a HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n", false},
		{"bare LF", "GET /a HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", false},
		{"space before the colon", "GET /a HTTP/1.1\r\nHost : a\r\n\r\n", false},
		{"old version", "GET /a HTTP/1.0\r\nHost: a\r\n\r\n", false},
	} {
		if err := strictRequest([]byte(tc.raw)); (err == nil) != tc.good {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}
