package loadgen

import (
	"fmt"
	"slices"
	"testing"

	"tokenomics/loadgen/dataset"
)

func prompts(t *testing.T, n int) *dataset.Dataset {
	t.Helper()
	var list []dataset.Prompt
	for i := range n {
		list = append(list, dataset.Prompt{Text: fmt.Sprintf("prompt %d: is 1 < 2 & why?", i)})
	}
	d, err := dataset.New("test", "made for the test", list)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestOrderIsPinned holds the order of a seed: it must be the same in every
// version, or results of the same command no longer compare.
func TestOrderIsPinned(t *testing.T) {
	var got []int
	for i := range 10 {
		got = append(got, NewOrder(42, 10).Row(i))
	}
	if want := []int{8, 1, 2, 5, 0, 6, 9, 4, 7, 3}; !slices.Equal(got, want) {
		t.Errorf("order of seed 42 is %v, was %v", got, want)
	}
	if NewOrder(42, 10).Row(10) != got[0] || NewOrder(42, 10).Row(-1) != got[9] {
		t.Error("the order does not go around")
	}
	if o := NewOrder(43, 1000); slices.Equal(o.rows, NewOrder(42, 1000).rows) {
		t.Error("another seed has the same order")
	}
}

func TestBatchesShareNoPrompts(t *testing.T) {
	seen := map[int]int{}
	for size := 1; size <= 40; size++ {
		for i := range size {
			at := firstOfBatch(size) + i
			if other, ok := seen[at]; ok {
				t.Fatalf("batches of %d and %d share position %d", other, size, at)
			}
			seen[at] = size
		}
	}
}

func TestChatBody(t *testing.T) {
	d := prompts(t, 1)
	base := Chat{Model: "m", Dataset: d, Order: NewOrder(1, 1), MaxTokens: 100, Temperature: 0.5, Stream: true}
	salted, uncached, whole := base, base, base
	salted.CacheSalt = "abc"
	uncached.NoPromptCache = true
	whole.Stream, whole.MaxTokens, whole.Temperature = false, 0, 0
	const head = `{"model":"m","messages":[{"role":"user","content":"prompt 0: is 1 < 2 & why?"}],`
	tests := []struct {
		name string
		chat Chat
		want string
	}{
		{"stream", base, head + `"max_tokens":100,"temperature":0.5,"stream":true,"stream_options":{"include_usage":true}}`},
		{"salted", salted, head + `"max_tokens":100,"temperature":0.5,"stream":true,"stream_options":{"include_usage":true},"cache_salt":"abc"}`},
		{"no prompt cache", uncached, head + `"max_tokens":100,"temperature":0.5,"stream":true,"stream_options":{"include_usage":true},"cache_prompt":false}`},
		// A temperature of 0 is a choice; max_tokens of 0 is none.
		{"whole answer", whole, head + `"temperature":0,"stream":false}`},
	}
	for _, tt := range tests {
		for range 2 { // a pure function: twice the same
			req, err := tt.chat.Request(0)
			if err != nil || string(req.Body) != tt.want {
				t.Errorf("%s: %v\n got %s\nwant %s", tt.name, err, req.Body, tt.want)
			}
		}
	}
}

func TestPrefixCachePolicy(t *testing.T) {
	tests := []struct {
		mode   PrefixCache
		engine string
		want   Cache
		ok     bool
	}{
		{PrefixCacheSalt, "vllm", Cache{Salt: "-"}, true},
		{PrefixCacheSalt, "sglang", Cache{Salt: "-"}, true},
		{PrefixCacheSalt, "llama_cpp", Cache{NoPromptCache: true}, true},
		{PrefixCacheSalt, "ollama", Cache{}, false},
		{PrefixCacheSalt, "", Cache{}, false},
		{PrefixCacheKeep, "vllm", Cache{}, true},
		{PrefixCacheKeep, "", Cache{}, true},
	}
	for _, tt := range tests {
		if got, ok := CacheFor(tt.mode, tt.engine); got != tt.want || ok != tt.ok {
			t.Errorf("CacheFor(%s, %q) = %+v, %v", tt.mode, tt.engine, got, ok)
		}
	}
}

func TestSaltsDiffer(t *testing.T) {
	base := saltOf("n", 42, "8", 1)
	if base != saltOf("n", 42, "8", 1) {
		t.Error("the salt of a run is not always the same")
	}
	for _, other := range []string{saltOf("o", 42, "8", 1), saltOf("n", 43, "8", 1), saltOf("n", 42, "4", 1), saltOf("n", 42, "8", 2)} {
		if other == base {
			t.Error("two runs have the same salt")
		}
	}
}
