package wire

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// feedAll feeds p and hands out what it completes.
func feedAll(sp *Splitter, p []byte, emit func(Event)) {
	var e Event
	events := sp.Feed(p)
	for events.Next(&e) {
		emit(e)
	}
}

// split feeds s in pieces of the given size and returns the events' data.
func split(s string, size int) (data []string, raw string) {
	var sp Splitter
	for p := range slices.Chunk([]byte(s), size) {
		feedAll(&sp, p, func(e Event) {
			data = append(data, string(e.Data))
			raw += string(e.Raw)
		})
	}
	part, _ := sp.Partial()
	return data, raw + string(part)
}

func TestSplitter(t *testing.T) {
	tests := []struct {
		name, in string
		want     []string
	}{
		{"LF", "data: a\n\ndata: b\n\n", []string{"a", "b"}},
		{"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", []string{"a", "b"}},
		{"CR, whose last one may be half a CRLF", "data: a\r\rdata: b\r\r.", []string{"a", "b"}},
		{"no space (axum 0.6)", "data:a\n\ndata:  b\n\n", []string{"a", " b"}},
		{"comments and names", ": ping\n\nevent: x\nid: 1\ndata: a\n\n", []string{"", "a"}},
		{"several data lines", "data: a\ndata: b\ndata: c\n\ndata: d\n\n", []string{"a\nb\nc", "d"}},
		{"unfinished", "data: a\n\ndata: b\n", []string{"a"}},
		{"blank lines alone", "\n\n\ndata: a\n\n", []string{"", "", "", "a"}},
	}
	for _, tt := range tests {
		for size := 1; size <= len(tt.in); size++ {
			got, raw := split(tt.in, size)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s, pieces of %d: %q, want %q", tt.name, size, got, tt.want)
			}
			if raw != tt.in {
				t.Errorf("%s, pieces of %d: bytes lost: %q", tt.name, size, raw)
			}
		}
	}
}

func TestSplitterPassesOverAHugeEvent(t *testing.T) {
	var sp Splitter
	var got []string
	emit := func(e Event) { got = append(got, string(e.Data)) }
	piece := []byte(strings.Repeat("x", 1<<20))
	feedAll(&sp, []byte("data: a\n\ndata: "), emit)
	for range 20 {
		feedAll(&sp, piece, emit)
	}
	if part, _ := sp.Partial(); len(part) > maxEvent+len(piece) {
		t.Errorf("%d bytes kept of an event", len(part))
	}
	feedAll(&sp, []byte("\ndata: more\n\ndata: b\n\n"), emit)
	if want := []string{"a", "", "b"}; !slices.Equal(got, want) || sp.Oversize != 1 {
		t.Errorf("got %q, %d oversize", got, sp.Oversize)
	}
}

func TestSplitterFresh(t *testing.T) {
	const in = "data: one\n\n: c\n\ndata: two\n\ndata: three"
	for size := 1; size <= len(in); size++ {
		var sp Splitter
		var fresh bytes.Buffer
		for p := range slices.Chunk([]byte(in), size) {
			feedAll(&sp, p, func(e Event) { fresh.Write(e.Fresh) })
			_, n := sp.Partial()
			fresh.Write(p[len(p)-n:])
		}
		if fresh.String() != in {
			t.Errorf("pieces of %d: fresh bytes %q", size, fresh.String())
		}
	}
}

func FuzzSplitter(f *testing.F) {
	f.Add("data: a\r\n\r\ndata: b\n\n:\n\ndata\r\r", 3)
	f.Fuzz(func(t *testing.T, in string, size int) {
		if size < 1 || len(in) == 0 {
			return
		}
		whole, raw := split(in, len(in))
		pieces, raw2 := split(in, size)
		if fmt.Sprint(whole) != fmt.Sprint(pieces) || raw != in || raw2 != in {
			t.Errorf("pieces of %d differ: %q and %q; raw %q %q", size, whole, pieces, raw, raw2)
		}
	})
}
