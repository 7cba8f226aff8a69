package otel

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"testing"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"tokenomics/internal/record"
)

// flood is requests whose clients and engine make up every label: names
// without end, some of them huge, and every mixture of those that came first.
// It edits one Record for all, so that it costs no memory itself.
func flood(requests int, observe func(*record.Record)) {
	rec := streamed()
	long := strings.Repeat("x", 1<<20)
	outcomes := []record.Outcome{record.Complete, record.ClientAbort, record.EngineAbort, record.Truncated, record.Timeout, record.Error}
	methods := []string{"POST", "GET", "BREW"}
	endpoints := []string{"chat", "completions", "embeddings", ""}
	statuses := []int{200, 200, 200, 400, 200, 503, 429, 200, 0}
	for i := range requests {
		n := strconv.Itoa(i)
		rec.Model, rec.ResponseModel, rec.Tenant, rec.ErrorType = "m"+n, "r"+n, "t"+n, "e"+n
		rec.Status = statuses[i%len(statuses)]
		switch i % 8 {
		case 1: // mixtures of a few
			rec.Status = 200 + i%400
			rec.Model, rec.ResponseModel = "m"+strconv.Itoa(i%401), "m"+strconv.Itoa(i%211)
			rec.Tenant, rec.ErrorType = "t"+strconv.Itoa(i%307), "e"+strconv.Itoa(i%67)
		case 4:
			rec.Model, rec.Tenant = long[i%len(long):], long[i%len(long):]
		}
		rec.Outcome, rec.Method = outcomes[i%len(outcomes)], methods[i%len(methods)]
		rec.InFlight = 1 + i%5000
		rec.Endpoint = endpoints[i/8%len(endpoints)]
		observe(rec)
	}
}

// heap is what is held after a collection; two, since pools survive the first.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Ten million requests' worth of labels leave bounded lists behind, and
// bounded memory.
func TestLabelsOfTenMillionRequests(t *testing.T) {
	requests := 10_000_000
	if raceDetector {
		requests /= 20 // it costs ten times as much, and looks for something else
	}
	before := heap()
	l := newLabels(Names{Max: defaultNames}, Names{Max: defaultNames}, SemconvNewest, newSets())
	flood(requests, func(r *record.Record) { l.of(r) })
	held := heap() - before
	t.Logf("%d requests: %d KiB held", requests, held>>10)
	if held > 32<<20 {
		t.Errorf("labels hold %d bytes", held)
	}
	for name, n := range map[string]struct{ got, most int }{
		"models":     {len(l.models.names), defaultNames},
		"tenants":    {len(l.tenants.names), defaultNames},
		"errors":     {len(l.errors.names), maxErrorTypes},
		"shortcuts":  {len(l.series), maxShortcuts},
		"requests":   {len(l.requests.sets), maxSeries},
		"usages":     {len(l.usages.sets), maxSeries},
		"ours":       {len(l.ours.sets), 2 * maxTimed},
		"load":       {len(l.load.sets), 2 * maxLoaded},
		"gen_ai":     {len(l.genAI.sets), 2 * maxTimed},
		"durations":  {len(l.durations.sets), 2 * maxTimed},
		"to us":      {len(l.server.sets), 2 * maxTimed},
		"to engines": {len(l.client.sets), 2 * maxTimed},
	} {
		if n.got > n.most || n.got < n.most/4 {
			t.Errorf("%d %s, want at most %d and the flood to have filled them", n.got, name, n.most)
		}
	}
	runtime.KeepAlive(l)
}

// The same through everything, down to what the readers hand out: no metric
// has more series than promised, nothing is lost from sums, and memory holds.
func TestMetricsOfAFlood(t *testing.T) {
	requests := 400_000
	if raceDetector {
		requests /= 20
	}
	before := heap()
	otlp := sdkmetric.NewManualReader(sdkmetric.WithAggregationSelector(exponential))
	r := newRig(t, Config{}, nil, otlp)
	flood(requests, r.Observe)
	held := heap() - before
	t.Logf("%d requests: %d MiB held by two readers", requests, held>>20)
	if held > 64<<20 {
		t.Errorf("metrics hold %d bytes", held)
	}
	total := 0
	perMetric := map[string]int{}
	for _, line := range r.dump(t) {
		name, _, _ := strings.Cut(line, " ")
		perMetric[name]++
		total++
		if strings.Contains(line, "otel.metric.overflow") {
			t.Errorf("the SDK had to cap: %s", line)
		}
	}
	for name, n := range perMetric {
		most := 3 * maxTimed
		if strings.Contains(name, "usage") || strings.HasPrefix(name, "tokenomics.requests") || name == nameEvents {
			most = maxSeries
		}
		if n > most {
			t.Errorf("%s has %d series, want at most %d", name, n, most)
		}
	}
	t.Logf("%d series of %d metrics", total, len(perMetric))
	if n := sum(t, with(r.dump(t), "tokenomics.requests counter")); n != requests {
		t.Errorf("%d requests counted of %d", n, requests)
	}
	var rm metricdata.ResourceMetrics
	if err := otlp.Collect(context.Background(), &rm); err != nil {
		t.Error(err)
	}
}
