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
	if len(got) != defaultNames+1 {
		t.Fatalf("%d series for %d names, want %d and other", len(got), names, defaultNames)
	}
	l := with(got, "request.model=other,")
	if want := fmt.Sprintf(" %d", (names-defaultNames)*11); len(l) != 1 || !strings.HasSuffix(l[0], want) {
		t.Errorf("other: %v, want%s", l, want)
	}
	if l := with(r.dump(t), "labels.overflow"); !strings.HasSuffix(l[0], fmt.Sprint(" ", names-defaultNames)) {
		t.Errorf("overflow: %v", l)
	}
	labels := r.instruments.labels
	if len(labels.models.names) != defaultNames || len(labels.series) > defaultNames+1 {
		t.Errorf("kept %d names and %d series", len(labels.models.names), len(labels.series))
	}
}

// A list says which names are shown; the first that come do not matter then.
func TestOnlyListedNames(t *testing.T) {
	r := newRig(t, Config{Tenants: Names{Only: []string{"red", "blue", "red"}}, Models: Names{Only: []string{"llama"}}}, nil)
	for _, tenant := range []string{"green", "blue", "", "grey"} {
		rec := streamed()
		rec.Tenant = tenant
		r.Observe(rec)
	}
	got := with(r.dump(t), "tokenomics.requests counter")
	wantLines(t, got, `
		tokenomics.requests counter {request} {gen_ai.provider.name=vllm,gen_ai.request.model=llama,tokenomics.endpoint=chat,tokenomics.outcome=complete} 1
		tokenomics.requests counter {request} {gen_ai.provider.name=vllm,gen_ai.request.model=llama,tokenomics.endpoint=chat,tokenomics.outcome=complete,tokenomics.tenant=blue} 1
		tokenomics.requests counter {request} {gen_ai.provider.name=vllm,gen_ai.request.model=llama,tokenomics.endpoint=chat,tokenomics.outcome=complete,tokenomics.tenant=other} 2`)
	if l := with(r.dump(t), "usage.output_tokens", "request.time_to_first_token"); len(with(l, "response.model=other")) != 3 || len(with(l, "tenant=blue")) != 2 {
		t.Errorf("got %v", l)
	}
}

// All labels together are bounded too. What is over loses its tenant first,
// its other labels after that, and is still counted.
func TestSeriesAreCapped(t *testing.T) {
	r := newRig(t, Config{}, nil)
	requests := 0
	for model := range defaultNames {
		for tenant := range 20 {
			rec := streamed()
			rec.Model, rec.ResponseModel, rec.Tenant = fmt.Sprint("m", model), "", fmt.Sprint("t", tenant)
			r.Observe(rec)
			requests++
		}
	}
	got := r.dump(t)
	for name, bound := range map[string]int{
		"usage.output_tokens counter": maxCounted * 3 / 2, "tokenomics.requests counter": maxCounted * 3 / 2,
		"request.time_to_first_token histogram": maxTimed * 3 / 2, "tokenomics.load.time_to_first_token": maxLoaded*3/2 + 1,
	} {
		l := with(got, name)
		if len(l) > bound || len(l) < maxLoaded {
			t.Errorf("%s: %d series, want at most %d", name, len(l), bound)
		}
		if strings.Contains(name, "counter") && sum(t, l)%requests != 0 {
			t.Errorf("%s: %d in all, of %d requests", name, sum(t, l), requests)
		}
	}
	if l := with(with(got, "usage.output_tokens counter"), "request.model=m199,"); len(l) != 1 || sum(t, l) != 20*11 || !strings.Contains(l[0], "tenant=other") {
		t.Errorf("the last model: %v, want all its tenants in one", l)
	}
	if n := len(r.instruments.labels.series); n > maxShortcuts {
		t.Errorf("%d shortcuts", n)
	}
}

// Sinks are called from many goroutines, while metrics are collected.
func TestObserveFromManyGoroutines(t *testing.T) {
	r := newRig(t, Config{Models: Names{Max: 10}}, always)
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

func TestRefusedNamesTakeNoPlace(t *testing.T) {
	r := newRig(t, Config{Models: Names{Max: 1}, Tenants: Names{Max: 1}}, nil)
	for _, refused := range []struct {
		name    string
		status  int
		outcome record.Outcome
	}{{"guess-1", 404, record.Error}, {"guess-2", 401, record.Error}, {"guess-3", 0, record.ClientAbort}} {
		rec := streamed()
		rec.Model, rec.ResponseModel, rec.Tenant, rec.Status, rec.Outcome = refused.name, "", refused.name, refused.status, refused.outcome
		r.Observe(rec)
	}
	rec := streamed()
	rec.ResponseModel, rec.Tenant = "", "red"
	r.Observe(rec)
	got := with(r.dump(t), "tokenomics.requests counter")
	if len(got) != 4 || len(with(got, "model=other,")) != 3 || len(with(got, "tenant=other")) != 3 || len(with(got, "model=llama,")) != 1 || len(with(got, "tenant=red")) != 1 {
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
