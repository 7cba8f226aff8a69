package otel

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"tokenomics/internal/record"
)

func TestModelsAreCapped(t *testing.T) {
	r := newRig(t, Config{}, nil)
	const names = 100_000
	for i := range names {
		rec := streamed()
		rec.Model, rec.ResponseModel = fmt.Sprintf("model-%d", i), ""
		r.Observe(rec)
	}
	got := with(r.dump(t), "usage.output_tokens counter")
	if len(got) != defaultMaxModels+1 {
		t.Fatalf("%d series for %d names, want %d and other", len(got), names, defaultMaxModels)
	}
	l := with(got, "request.model=other,")
	if want := fmt.Sprintf(" %d", (names-defaultMaxModels)*11); len(l) != 1 || !strings.HasSuffix(l[0], want) {
		t.Errorf("other: %v, want%s", l, want)
	}
	if l := with(r.dump(t), "labels.overflow"); !strings.HasSuffix(l[0], fmt.Sprint(" ", names-defaultMaxModels)) {
		t.Errorf("overflow: %v", l)
	}
	labels := r.instruments.labels
	if len(labels.models.names) != defaultMaxModels || len(labels.series) > defaultMaxModels+1 {
		t.Errorf("kept %d names and %d series", len(labels.models.names), len(labels.series))
	}
}

// All labels together are bounded too, and what is over is still counted.
func TestSeriesAreCapped(t *testing.T) {
	r := newRig(t, Config{}, nil)
	requests := 0
	for model := range defaultMaxModels {
		for tenant := range 20 {
			rec := streamed()
			rec.Model, rec.Tenant = fmt.Sprint("m", model), fmt.Sprint("t", tenant)
			r.Observe(rec)
			requests++
		}
	}
	if n := len(r.instruments.labels.series); n > maxSeries+28 {
		t.Errorf("%d series", n)
	}
	if total := sum(t, with(r.dump(t), "usage.output_tokens counter")); total != requests*11 {
		t.Errorf("%d tokens in all, want %d", total, requests*11)
	}
}

// Sinks are called from many goroutines, while metrics are collected.
func TestObserveFromManyGoroutines(t *testing.T) {
	r := newRig(t, Config{MaxModels: 10}, always)
	const workers, each = 8, 200
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := range each {
				rec := streamed()
				rec.Model, rec.Tenant = fmt.Sprint("m", i%20), fmt.Sprint("t", w)
				rec.Trace = r.tracer.Begin("", "")
				r.Observe(rec)
			}
		})
	}
	for range 20 {
		r.dump(t)
	}
	group.Wait()
	if got := sum(t, with(r.dump(t), "tokenomics.requests counter")); got != workers*each {
		t.Errorf("%d requests counted, want %d", got, workers*each)
	}
}

// sum adds up the counters of lines.
func sum(t *testing.T, lines []string) (total int) {
	t.Helper()
	for _, l := range lines {
		var n int
		if _, err := fmt.Sscan(l[strings.LastIndexByte(l, ' '):], &n); err != nil {
			t.Fatal(err)
		}
		total += n
	}
	return total
}

func TestRefusedModelsTakeNoPlace(t *testing.T) {
	r := newRig(t, Config{MaxModels: 1}, nil)
	for _, refused := range []string{"guess-1", "guess-2"} {
		rec := streamed()
		rec.Model, rec.ResponseModel, rec.Status, rec.Outcome = refused, "", 404, record.Error
		r.Observe(rec)
	}
	rec := streamed()
	rec.ResponseModel = ""
	r.Observe(rec)
	got := with(r.dump(t), "tokenomics.requests counter")
	if len(got) != 2 || len(with(got, "model=other,", "model=llama,")) != 2 {
		t.Errorf("got %v", got)
	}
}

// One string that is not UTF-8 would make the backend refuse everything.
func TestTextsAreFitForExport(t *testing.T) {
	r := newRig(t, Config{}, always)
	rec := streamed()
	rec.Model, rec.Path, rec.Error, rec.ErrorType = "m\xff", "/\xfe", "\xfd", "\xfc"
	rec.RequestID, rec.Tenant, rec.FinishReasons = "\xfb", "\xfa", []string{"\xf9"}
	rec.Server, rec.Outcome = "h\xf8", record.Error
	rec.Trace = r.tracer.Begin("", "")
	r.Observe(rec)
	for _, l := range r.dump(t) {
		if !utf8.ValidString(l) {
			t.Errorf("%q", l)
		}
	}
	for _, s := range r.ended(t) {
		if !utf8.ValidString(s.Name) || !utf8.ValidString(s.Status.Description) {
			t.Errorf("%q %q", s.Name, s.Status.Description)
		}
		for _, kv := range s.Attributes {
			if !utf8.ValidString(kv.Value.String()) {
				t.Errorf("%s: %q", kv.Key, kv.Value.String())
			}
		}
	}
}

func TestClean(t *testing.T) {
	tests := map[string]string{
		"":                              "",
		"plain":                         "plain",
		"a\xffb":                        "a\uFFFDb",
		strings.Repeat("x", 300):        strings.Repeat("x", maxText),
		strings.Repeat("x", 255) + "ü":  strings.Repeat("x", 255),
		strings.Repeat("x", 254) + "üy": strings.Repeat("x", 254) + "ü",
	}
	for in, want := range tests {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}
