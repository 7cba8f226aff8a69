package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"tokenomics/loadgen/tokenizer"
)

// TestLoadgenSizesByATokenizerAlone asks an embedder that tells no usage for
// made texts: with the tokens of BERT around them they are as long as was said.
func TestLoadgenSizesByATokenizerAlone(t *testing.T) {
	const path = "../../loadgen/tokenizer/testdata/bert.json"
	var (
		mu   sync.Mutex // protects last
		last string
	)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":[{"id":"tiny"}]}`) })
	mux.HandleFunc("POST /v1/embeddings", func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ Input string }
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		last = asked.Input
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]}]}`)
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	code, _, stderr := loadgenRun(t.Context(), t, "--endpoint", "embeddings", "--tokenizer", path, "--dataset-key", "random", "--scenario", "D(400,1)",
		"--batch-sizes", "1", "--num-runs", "1", "--warmup", "0", "--results-file", t.TempDir()+"/r.json", "--api-base", srv.URL+"/v1")
	if code != 0 || !strings.Contains(stderr, "sized with the 2 tokens that the tokenizer wants around a text") {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	mu.Lock()
	defer mu.Unlock()
	f, err := tokenizer.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.Count(t.Context(), last); n+f.Special() != 400 || err != nil {
		t.Errorf("the last text has %d tokens and %d around it, %v; want 400: %q", n, f.Special(), err, last)
	}
}
