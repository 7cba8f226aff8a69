package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
	"tokenomics/internal/results"
)

// TestWhatIsNotSaltedIsNotSaidToBe: the results name what kept the prefix cache
// out.
func TestWhatIsNotSaltedIsNotSaidToBe(t *testing.T) {
	for endpoint, method := range map[string]string{"chat": "cache_salt", "ollama-chat": ""} {
		path := filepath.Join(t.TempDir(), "r.json")
		_, _, stderr := loadgenRun(t.Context(), t, "--api-base", fakeServer(t, answers), "--endpoint", endpoint, "--prefix-cache", "salt", "--batch-sizes", "1", "--results-file", path)
		r, err := results.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if r.Metadata.PrefixCacheMethod != method || strings.Contains(stderr, "heeds no cache_salt at --endpoint "+endpoint) != (method == "") {
			t.Errorf("%s: %q\n%s", endpoint, r.Metadata.PrefixCacheMethod, stderr)
		}
	}
}

// TestOursMayBeUnseen: for a request that was broken off the engine may have
// made all tokens of each of its answers.
func TestOursMayBeUnseen(t *testing.T) {
	o := ours{whole: true}
	r := &record.Record{Outcome: record.ClientAbort, Sent: record.Some(time.Duration(0))}
	r.N, r.MaxTokens, r.Usage.Completion = 3, record.Some[int64](10), record.Some[int64](4)
	o.add(r)
	if got := o.of(); got.Unseen != 26 || got.Output.Or(0) != 4 || got.Prompt.Ok() {
		t.Errorf("%+v", got)
	}
}

// TestEstimatesAreNotAll: what an answer's events show is not all that the
// engine may have made for it.
func TestEstimatesAreNotAll(t *testing.T) {
	var o ours
	r := &record.Record{Outcome: record.Complete}
	r.MaxTokens, r.Usage.Completion, r.Usage.Source = record.Some[int64](10), record.Some[int64](9), record.SourceEvents
	o.add(r)
	if got := o.of(); got.Unseen != 1 {
		t.Errorf("%+v", got)
	}
}
