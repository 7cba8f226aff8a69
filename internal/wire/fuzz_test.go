package wire

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tokenomics/internal/record"
)

// passed relays body in pieces of size and returns what a client gets, and the
// Record as a line.
func passed(t *testing.T, query Query, head AnswerHead, body []byte, size int) (string, string) {
	t.Helper()
	live := new(record.Live)
	r := NewRelay(Config{Query: query, ErrorText: true, Timeline: true, Live: live}, Strip{}, nil)
	r.Head(0, head)
	var out bytes.Buffer
	buffer := make([]byte, size)
	for p := range slices.Chunk(body, size) {
		// As a proxy does it: one buffer, overwritten by every read.
		out.Write(r.Feed(0, buffer[:copy(buffer, p)]))
		r.Measure()
		for i := range buffer {
			buffer[i] = '!'
		}
	}
	out.Write(r.Rest())
	rec := new(record.Record)
	r.End(0, record.Complete, rec)
	if live.Panics.Load() > 0 {
		t.Fatalf("a panic in measuring %q", body)
	}
	line, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), string(line)
}

// FuzzDialects: whatever an engine sends on whatever path, in whatever pieces:
// no panic, the bytes that came go out, and the Record is the same.
func FuzzDialects(f *testing.F) {
	names, err := filepath.Glob("testdata/dialects/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for i, file := range names {
		c := readCapture(f, "dialects/"+strings.TrimSuffix(filepath.Base(file), ".txtar"))
		f.Add(c.path, string(c.request), c.head().ContentType, string(c.body), 1+i%13)
	}
	f.Fuzz(func(t *testing.T, path, request, contentType, body string, size int) {
		if size < 1 || size > 1<<20 || len(body) == 0 {
			return
		}
		query := ReadQuery("POST", path, []byte(request))
		head := AnswerHead{Status: 200, ContentType: contentType}
		out, whole := passed(t, query, head, []byte(body), len(body))
		if out != body {
			t.Fatalf("bytes changed: %q", out)
		}
		if _, pieces := passed(t, query, head, []byte(body), size); pieces != whole {
			t.Fatalf("pieces of %d give\n%s, the whole\n%s", size, pieces, whole)
		}
	})
}

// FuzzLayout: an event that is read by the layout of another is read as it
// would be without.
func FuzzLayout(f *testing.F) {
	a, b := vllm(0, `"content":"a"`, running, usage(9, 1)), vllm(0, `"content":"b \" c"`, running, usage(9, 12))
	f.Add(a, b)
	f.Add(vllm(0, role, running, ""), vllm(0, `"role":"assistant","content":"x"`, running, ""))
	f.Add(`{"choices":[{"text":"a","index":1}],"usage":null}`, `{"choices":[{"text":"","index":1}],"usage":null}`)
	f.Add(`{"usage":{"prompt_tokens":1},"choices":[{"text":"a"}]}`, `{"usage":{"prompt_tokens":2},"choices":[{"text":"a"}]}`)
	f.Add(`{"choices":[{"text":"a"}],"usage":{"prompt_tokens":1}}`, `{"choices":[{"text":"a"}],"usage":{"prompt_tokens":2},"usage":{}}`)
	f.Add(a, strings.Replace(b, `"index":0`, `"index":1`, 1))
	f.Fuzz(func(t *testing.T, first, second string) {
		var l layout
		var learned, slow chunk
		var fast delta
		var told counts
		var place usagePlace
		if !learned.read([]byte(first)) {
			return
		}
		l.learn([]byte(first), &learned)
		if !l.fits([]byte(second)) || !l.read([]byte(second), &fast, &told, &place) {
			return
		}
		if !slow.read([]byte(second)) {
			t.Fatalf("read by the layout of %q: %q", first, second)
		}
		if slow.failed != nil || slow.hasTiming {
			t.Fatalf("the layout of %q hides what %q says", first, second)
		}
		if !json.Valid([]byte(second)) {
			return // what a broken event says is anybody's guess: enough that both take it for an event
		}
		want := slow.choices[0]
		want.worded, want.strings, want.textFrom = false, 0, 0 // of reading it the long way
		if len(slow.choices) != 1 || fast != want || told != slow.counts {
			t.Fatalf("%q after %q:\n got %+v, %+v\nwant %+v, %+v", second, first, fast, told, slow.choices, slow.counts)
		}
		if want := findUsage([]byte(second)); want.found && place != want || place.found != want.found {
			t.Fatalf("the usage of %q after %q:\n got %+v\nwant %+v", second, first, place, want)
		}
	})
}

// TestPiecesOfAllSizes holds every golden to what FuzzDialects looks for.
func TestPiecesOfAllSizes(t *testing.T) {
	names, err := filepath.Glob("testdata/dialects/*.txtar")
	if err != nil || len(names) < 100 {
		t.Fatalf("%d goldens, %v", len(names), err)
	}
	for _, file := range names {
		c := readCapture(t, "dialects/"+strings.TrimSuffix(filepath.Base(file), ".txtar"))
		query := ReadQuery(c.method, c.path, c.request)
		_, whole := passed(t, query, c.head(), c.body, len(c.body))
		for size := 1; size < len(c.body); size += 1 + size/8 {
			if out, pieces := passed(t, query, c.head(), c.body, size); pieces != whole || out != string(c.body) {
				t.Errorf("%s, pieces of %d:\n got %s\nwant %s", file, size, pieces, whole)
				break
			}
		}
	}
}
