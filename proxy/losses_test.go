package proxy

import (
	"net/http"
	"testing"

	"tokenomics/internal/record"
)

// What could not be read is counted, once for each event, and passed on.
func TestParseFailuresAreCounted(t *testing.T) {
	e := engine(t, func(w http.ResponseWriter, _ *http.Request) {
		sse(w, `{"id":`, tokenEvent, "nonsense", finishEvent, "[DONE]")
	})
	live := new(record.Live)
	p := start(t, e.URL, func(c *Config) { c.Live = live })
	if _, body := post(t, p.url+chat, streaming); body != "data: {\"id\":\n\ndata: "+tokenEvent+"\n\ndata: nonsense\n\ndata: "+finishEvent+"\n\ndata: [DONE]\n\n" {
		t.Errorf("the client got %q", body)
	}
	p.records.next(t)
	if got := live.ParseFailures.Load(); got != 2 {
		t.Errorf("%d failures counted, want 2", got)
	}
}
