package wire

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"tokenomics/internal/record"
)

// capture is one exchange with a real engine (testdata/README.md).
type capture struct {
	method, path string
	request      []byte
	response     *http.Response
	raw          []byte            // head and body as they came
	body         []byte            // without its transfer coding
	about        map[string]string // what the file says of it, and its other sections
}

// head is the answer's, as an Observer is told of it.
func (c capture) head() AnswerHead {
	h := c.response.Header
	return AnswerHead{Status: c.response.StatusCode, ContentType: h.Get("Content-Type"), ContentEncoding: h.Get("Content-Encoding"), Field: h.Get}
}

func readCapture(t testing.TB, name string) capture {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", filepath.FromSlash(name)+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range archive.Files {
		files[f.Name] = f.Data
	}
	c := capture{about: map[string]string{"reads": string(files["reads"]), "record": string(files["record"])}}
	for line := range strings.Lines(string(files["about"])) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			c.about[key] = value
		}
	}
	length := func(key string) int {
		n, err := strconv.Atoi(c.about[key])
		if err != nil {
			t.Fatalf("%s: %s: %v", name, key, err)
		}
		return n
	}
	request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(files["request"][:length("request_bytes")])))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	c.method, c.path = request.Method, request.URL.Path
	if c.request, err = io.ReadAll(request.Body); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	c.raw = files["response"][:length("response_bytes")]
	c.response, err = http.ReadResponse(bufio.NewReader(bytes.NewReader(c.raw)), request)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if c.body, err = io.ReadAll(c.response.Body); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}

// replay passes the capture's body through a Relay in pieces.
func (c capture) replay(query Query, strip Strip, print *Fingerprint, size int) (string, *record.Record) {
	r := NewRelay(Config{Query: query}, strip, print)
	r.Head(time.Millisecond, c.head())
	var out bytes.Buffer
	at := time.Millisecond
	buffer := make([]byte, size)
	for p := range slices.Chunk(c.body, size) {
		at += time.Millisecond
		// As a proxy does it: one buffer, overwritten by every read.
		out.Write(r.Feed(at, buffer[:copy(buffer, p)]))
		r.Measure()
		for i := range buffer {
			buffer[i] = '!'
		}
	}
	out.Write(r.Rest())
	rec := &record.Record{Sent: record.Some(time.Duration(0))}
	r.End(at, record.Complete, rec)
	return out.String(), rec
}

var changes = regexp.MustCompile(`"(id|created)":("[^"]*"|\d+)`)

// TestStripOnRealStreams: the same request with and without a usage request
// differs, after stripping, in nothing.
func TestStripOnRealStreams(t *testing.T) {
	final, both := Strip{Final: true}, Strip{Final: true, PerEvent: true}
	tests := []struct {
		want, got string
		strip     Strip
	}{
		{"vllm/chat-stream", "vllm/chat-stream-usage", final},
		{"vllm/chat-stream", "vllm/chat-stream-continuous", both},
		{"vllm/chat-stream-usage", "vllm/chat-stream-continuous", Strip{PerEvent: true}},
		{"vllm/chat-stream-n2", "vllm/chat-stream-n2-usage", final},
		{"vllm/chat-stream-n2", "vllm/chat-stream-n2-continuous", both},
		{"vllm/completions-stream", "vllm/completions-stream-usage", final},
		{"vllm/completions-stream", "vllm/completions-stream-continuous", both},
		{"vllm/reasoning-chat-stream", "vllm/reasoning-chat-stream-usage", final},
		{"vllm/reasoning-chat-stream", "vllm/reasoning-chat-stream-continuous", both},
	}
	for _, tt := range tests {
		plain, asked := readCapture(t, tt.want), readCapture(t, tt.got)
		query := ReadQuery(plain.method, plain.path, plain.request)
		print := new(Fingerprint)
		if query.Choices() > 1 {
			// With several choices the engine must have been seen before.
			plain.replay(query, Strip{}, print, len(plain.body))
		}
		want := byChoice(string(plain.body))
		for size := 1; size <= len(asked.body); size += 1 + size/16 {
			out, rec := asked.replay(query, tt.strip, print, size)
			if got := byChoice(out); !slices.Equal(got, want) {
				for i := range max(len(got), len(want)) {
					if i >= len(got) || i >= len(want) || got[i] != want[i] {
						t.Errorf("%s, pieces of %d: event %d of %d\n got %q\nwant %q", tt.got, size, i, len(want), got[min(i, len(got)-1)], want[min(i, len(want)-1)])
						break
					}
				}
				break
			}
			if rec.Outcome != record.Complete || !rec.Usage.Completion.Ok() || !rec.Usage.Source.Exact() {
				t.Errorf("%s: %s, %+v", tt.got, rec.Outcome, rec.Usage)
			}
			if query.Choices() == 1 && size%2 == 0 {
				print.Forget() // sometimes the engine is a stranger, sometimes not
			}
		}
	}
}

// TestAFingerprintOutlivesTheAnswerThatTaughtIt: learned from a usage event,
// used for a later answer whose choices can't wait for theirs.
func TestAFingerprintOutlivesTheAnswerThatTaughtIt(t *testing.T) {
	print := new(Fingerprint)
	one := readCapture(t, "vllm/chat-stream-usage")
	one.replay(ReadQuery(one.method, one.path, one.request), Strip{Final: true}, print, 4096)
	plain, asked := readCapture(t, "vllm/chat-stream-n2"), readCapture(t, "vllm/chat-stream-n2-usage")
	out, _ := asked.replay(ReadQuery(plain.method, plain.path, plain.request), Strip{Final: true}, print, 4096)
	if got, want := byChoice(out), byChoice(string(plain.body)); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// byChoice is a stream's events without what changes from run to run, the
// events of each choice in their order: how choices interleave is chance.
func byChoice(s string) []string {
	list := strings.SplitAfter(changes.ReplaceAllString(s, `"$1":0`), "\n\n")
	slices.SortStableFunc(list, func(a, b string) int {
		index := func(e string) string { return get([]byte(strings.TrimPrefix(e, "data: ")), "choices.0.index").Raw }
		return strings.Compare(index(a), index(b))
	})
	return list
}

// TestRealDialects: what is known of a few captures besides.
func TestRealDialects(t *testing.T) {
	type counts struct {
		dialect                    string
		prompt, cached, completion int64
		source                     record.TokenSource
		finish                     string
		firstExact                 bool
	}
	for name, want := range map[string]counts{
		"vllm/responses-stream":   {"responses", 18, 0, 12, record.SourceUsage, "max_output_tokens", false},
		"vllm/messages-stream":    {"anthropic", 34, 0, 12, record.SourceUsage, "max_tokens", false},
		"llamacpp/native-stream":  {"llamacpp", 18, 17, 12, record.SourceEngineCounter, "limit", true},
		"vllm/embeddings-bytes":   {"openai", 6, -1, -1, record.SourceUsage, "", false},
		"vllm/chat-stream-usage":  {"openai", 34, 0, 12, record.SourceUsage, "length", false},
		"llamacpp/embeddings":     {"openai", 18, -1, -1, record.SourceUsage, "", false},
		"llamacpp/chat-stream-n2": {"openai", 63, 62, 24, record.SourceUsage, "length length", false},
	} {
		r := readCapture(t, name).measure(t)
		got := counts{r.Dialect, r.Usage.Prompt.Or(-1), r.Usage.Cached.Or(-1), r.Usage.Completion.Or(-1), r.Usage.Source, strings.Join(r.FinishReasons, " "), r.FirstTokens.Ok()}
		if got != want || r.Outcome != record.Complete || len(r.Warnings) > 0 {
			t.Errorf("%s:\n got %+v\nwant %+v\n%s, warnings %q", name, got, want, r.Outcome, r.Warnings)
		}
	}
}

var errorEvent = regexp.MustCompile(`(?m)^(data: \{"error":\{|event: error$)`)

// TestRealAnswers: every capture is read, and what is read is what the engine
// told elsewhere.
func TestRealAnswers(t *testing.T) {
	names, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(names) < 60 {
		t.Fatalf("%d captures, %v", len(names), err)
	}
	measured := 0
	for _, file := range names {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(file), "testdata/"), ".txtar")
		if strings.HasPrefix(name, "dialects/") {
			continue // not from real engines
		}
		c := readCapture(t, name)
		query := ReadQuery(c.method, c.path, c.request)
		out, rec := c.replay(query, Strip{}, nil, len(c.body)+1)
		if out != string(c.body) {
			t.Errorf("%s: the body changed", name)
		}
		want := record.Complete
		if c.response.StatusCode >= 400 || errorEvent.Match(c.body) {
			want = record.Error
		}
		switch {
		case bytes.Contains(c.body, []byte(`"finish_reason":"abort"`)):
			want = record.EngineAbort
		case len(c.body) == 0 && rec.Stream:
			want = record.Truncated
		}
		if rec.Outcome != want {
			t.Errorf("%s: %s (%s), want %s", name, rec.Outcome, rec.Error, want)
		}
		if query.Endpoint == "" || want == record.Error || want == record.Truncated {
			continue
		}
		measured++
		told := regexp.MustCompile(`"(?:completion_tokens|output_tokens|tokens_predicted|eval_count)":(\d+)`).FindAllSubmatch(c.body, -1)
		exact := len(told) > 0 || strings.Contains(string(c.body), `"predicted_n"`) || strings.Contains(string(c.body), `"token_ids":[`) || strings.HasSuffix(name, "logprobs") || strings.Contains(string(c.body), `"done_reason":"load"`)
		if strings.Contains(strings.Join(rec.Warnings, ";"), "first choice alone") {
			exact = false
		}
		if makesTokens[query.Endpoint] && rec.Usage.Source.Exact() != exact {
			t.Errorf("%s: token source %q", name, rec.Usage.Source)
		}
		if len(told) > 0 && query.Choices() == 1 {
			if n, _ := strconv.ParseInt(string(told[len(told)-1][1]), 10, 64); rec.Usage.Completion.Or(-1) != n {
				t.Errorf("%s: %v tokens, the engine says %d", name, rec.Usage.Completion, n)
			}
		}
		if rec.Stream && (!rec.FirstToken.Ok() || !rec.LastToken.Ok()) {
			t.Errorf("%s: no first or last token", name)
		}
	}
	if measured < 50 {
		t.Errorf("only %d captures were measured", measured)
	}
}
