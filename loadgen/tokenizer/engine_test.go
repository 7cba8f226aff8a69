package tokenizer

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"tokenomics/internal/sim"
)

// simulated starts an engine and returns its root.
func simulated(t *testing.T, cfg sim.Config) string {
	t.Helper()
	s, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		if err := errors.Join(s.Shutdown(context.Background()), <-served); err != nil {
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}

func TestEngineCounts(t *testing.T) {
	// The simulator's tokens: a word of at most twelve letters with the space
	// before it, or one other character.
	tests := []struct {
		text string
		want int
	}{
		{"", 0}, {"word", 1}, {"two words", 2}, {"thirteenthly", 1}, {"extraordinarily", 2}, {"a, b.", 4}, {`"<>&"`, 5},
	}
	engines := []struct{ name, dialect string }{{"vllm", "vllm"}, {"sglang", "sglang"}, {"llama_cpp", "llamacpp"}}
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			e := Engine{Root: simulated(t, sim.Config{Dialect: engine.dialect, Model: "m", APIKey: "k"}), Name: engine.name, Model: "m", APIKey: "k"}
			for _, tt := range tests {
				if n, err := e.Count(t.Context(), tt.text); n != tt.want || err != nil {
					t.Errorf("%q has %d tokens (%v), want %d", tt.text, n, err, tt.want)
				}
			}
		})
	}
}

// TestEngineAsksForTheTextAlone: no begin-of-text token is to be counted.
func TestEngineAsksForTheTextAlone(t *testing.T) {
	tests := []struct{ name, want string }{
		{"vllm", `{"model":"m","prompt":"hi","add_special_tokens":false}`},
		{"sglang", `{"model":"m","prompt":"hi","add_special_tokens":false}`},
		{"llama_cpp", `{"content":"hi","add_special":false}`},
	}
	for _, tt := range tests {
		var got string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			got = r.Method + " " + r.URL.Path + " " + string(b)
			if _, werr := io.WriteString(w, `{"tokens":[1,2]}`); err != nil || werr != nil {
				t.Error(err, werr)
			}
		}))
		n, err := Engine{Root: s.URL + "/", Name: tt.name, Model: "m"}.Count(t.Context(), "hi")
		s.Close()
		if want := "POST /tokenize " + tt.want; got != want || n != 2 || err != nil {
			t.Errorf("%s: %d, %v\n got %s\nwant %s", tt.name, n, err, got, want)
		}
	}
}

func TestEngineFailures(t *testing.T) {
	tests := []struct {
		name, engine string
		status       int
		body, want   string
		none         bool
	}{
		{"no such path", "vllm", 404, "", "404", true},
		{"no such method", "vllm", 405, "", "405", true},
		{"an engine without", "ollama", 200, "", "counts no tokens", true},
		{"refused", "vllm", 401, `{"error":"Unauthorized"}`, "Unauthorized", false},
		{"no JSON", "sglang", 200, "ok", "reading the answer", false},
		{"nothing to count", "llama_cpp", 200, `{}`, "neither count nor tokens", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				if _, err := io.WriteString(w, tt.body); err != nil {
					t.Error(err)
				}
			}))
			defer s.Close()
			_, err := Engine{Root: s.URL, Name: tt.engine}.Count(t.Context(), "hi")
			if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, ErrNone) != tt.none {
				t.Errorf("error %v, want %q in it, none: %v", err, tt.want, tt.none)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Engine{Root: "http://127.0.0.1:1", Name: "vllm"}).Count(ctx, "hi"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestEngineClosesConnections: an engine closes a connection that was idle, just
// as it is used again.
func TestEngineClosesConnections(t *testing.T) {
	var mu sync.Mutex                // protects answered: one connection may still be ending when the next begins
	answered := make(map[string]int) // by connection
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		answered[r.RemoteAddr]++
		again := answered[r.RemoteAddr] > 1
		mu.Unlock()
		if again {
			panic(http.ErrAbortHandler)
		}
		if len(r.Header["Idempotency-Key"]) > 0 {
			t.Error("a key was sent")
		}
		if _, err := io.WriteString(w, `{"count":3}`); err != nil {
			t.Error(err)
		}
	}))
	defer s.Close()
	for range 4 {
		if n, err := (Engine{Root: s.URL, Name: "vllm"}).Count(t.Context(), "hi"); n != 3 || err != nil {
			t.Errorf("%d tokens, %v", n, err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(answered) != 4 {
		t.Errorf("there were %d connections", len(answered))
	}
}
