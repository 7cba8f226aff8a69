package otel

import (
	"context"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/otlptranslator"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// maxScrapes bounds the scrapes that run at once: each holds all series.
const maxScrapes = 4

// page is what /metrics shows: all that a reader collects, histograms under
// their attributes.
type page struct {
	source *sdkmetric.ManualReader
	sets   *sets
}

// Produce collects once.
func (p page) Produce(ctx context.Context) ([]metricdata.ScopeMetrics, error) {
	var rm metricdata.ResourceMetrics
	err := p.source.Collect(ctx, &rm)
	p.sets.restore(rm.ScopeMetrics)
	return rm.ScopeMetrics, err
}

// explicit is the page's histograms. Prometheus has no least and no largest
// value of a histogram, so they are not looked for.
func explicit(kind sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	if kind == sdkmetric.InstrumentKindHistogram {
		return sdkmetric.AggregationExplicitBucketHistogram{NoMinMax: true} // the buckets are the instrument's own
	}
	return sdkmetric.DefaultAggregationSelector(kind)
}

// newPrometheus makes the handler that serves the page and the reader that it
// reads it by, over a registry of its own. Names are translated as Prometheus'
// users know them: dots to underscores, _seconds, _total.
func newPrometheus(shown page, p *problems) (sdkmetric.Reader, http.Handler, error) {
	registry := prometheus.NewRegistry()
	reader, err := otelprometheus.New(
		otelprometheus.WithRegisterer(registry),
		otelprometheus.WithProducer(shown), // it gives no access to what its own reader collects
		otelprometheus.WithoutScopeInfo(),  // one scope: its labels would say the same on every line
		otelprometheus.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithSuffixes),
	)
	if err != nil {
		return nil, nil, fmt.Errorf("making the Prometheus reader: %w", err)
	}
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			return nil, nil, fmt.Errorf("registering the process's own metrics: %w", err)
		}
	}
	return reader, promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:            scrapeLog{p},
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
		EnableOpenMetrics:   true,
	}), nil
}

// scrapeLog passes a scrape's problems on.
type scrapeLog struct{ p *problems }

// Println takes one problem.
func (l scrapeLog) Println(v ...any) {
	l.p.report(kindScrape, "serving /metrics", fmt.Errorf("%s", fmt.Sprint(v...)))
}

var _ sdkmetric.Producer = page{}

func noMetrics(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "metrics are off", http.StatusNotFound)
}
