package loadgen

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/upstream"
	"tokenomics/loadgen/prompt"
)

// engine answers chats with three tokens each and remembers what it was asked.
type engine struct {
	t   *testing.T
	srv *httptest.Server

	refuseUsage bool
	fail        func(n int) bool // request number n gets a 500
	together    int              // no answer before so many requests are in flight
	lie         bool             // its usage tells of many tokens too few
	hang        bool             // no answer at all until the client has gone

	mu       sync.Mutex // protects what follows
	bodies   []chatBody
	ids      []string
	inFlight int
	gather   chan struct{} // closed when together are in flight
}

// chatBody is as much of a request as the tests look at.
type chatBody struct {
	Messages      []prompt.Message
	StreamOptions *struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	Stream    bool
	CacheSalt string `json:"cache_salt"`
}

func newEngine(t *testing.T) *engine {
	e := &engine{t: t, gather: make(chan struct{})}
	e.srv = httptest.NewServer(http.HandlerFunc(e.chat))
	t.Cleanup(e.srv.Close)
	return e
}

func (e *engine) client(t *testing.T, timeout time.Duration) *Client {
	t.Helper()
	target, err := upstream.ParseTarget(e.srv.URL + "/v1")
	if err != nil {
		t.Fatal(err)
	}
	return newClient(t, ClientConfig{Target: target, APIKey: "key", Provider: "vllm", Timeout: timeout})
}

// asked is what was asked since the last call.
func (e *engine) asked() (bodies []chatBody) {
	e.mu.Lock()
	defer e.mu.Unlock()
	bodies, e.bodies = e.bodies, nil
	return bodies
}

func (e *engine) chat(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	var body chatBody
	if err == nil {
		err = json.Unmarshal(raw, &body)
	}
	if err != nil || r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != "Bearer key" {
		e.t.Errorf("request for %s: %v: %s", r.URL, err, raw)
	}
	e.mu.Lock()
	e.bodies = append(e.bodies, body)
	e.ids = append(e.ids, r.Header.Get("X-Request-Id"))
	n := len(e.bodies)
	e.inFlight++
	if e.inFlight == e.together {
		close(e.gather)
		e.gather = make(chan struct{})
		e.inFlight = 0
	} else if e.together > 0 {
		gather := e.gather
		e.mu.Unlock()
		<-gather
		e.mu.Lock()
	}
	e.mu.Unlock()
	switch {
	case e.hang:
		<-r.Context().Done()
	case e.refuseUsage && body.StreamOptions != nil:
		problem(w, 400, "Unknown parameter: 'stream_options'.")
	case e.fail != nil && e.fail(n):
		problem(w, 500, "engine on fire")
	case body.Stream:
		e.stream(w, body)
	default:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"id":"x","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a b c"},"finish_reason":"length"}],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}`)
	}
}

func problem(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"message":%q,"type":"invalid_request_error","code":%d}}`, message, status)
}

func (e *engine) stream(w http.ResponseWriter, body chatBody) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	event := func(data string) {
		fmt.Fprintf(w, "data: %s\n\n", data)
		w.(http.Flusher).Flush()
	}
	choice := func(delta, finish string) string {
		return `{"id":"x","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":` + delta + `,"finish_reason":` + finish + `}]}`
	}
	event(choice(`{"role":"assistant","content":""}`, "null"))
	event(choice(`{"content":"a"}`, "null"))
	event(choice(`{"content":" b"}`, "null"))
	for range map[bool]int{true: 20}[e.lie] {
		event(choice(`{"content":" b"}`, "null"))
	}
	event(choice(`{"content":" c"}`, `"length"`))
	if body.StreamOptions != nil && body.StreamOptions.IncludeUsage {
		event(`{"id":"x","object":"chat.completion.chunk","model":"m","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,"prompt_tokens_details":{"cached_tokens":2}}}`)
	}
	event("[DONE]")
}

// kept is a Sink that keeps.
type kept struct {
	mu      sync.Mutex // protects records
	records []*record.Record
}

func (k *kept) Observe(r *record.Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.records = append(k.records, r)
}

func (k *kept) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.records)
}
