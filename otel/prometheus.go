package otel

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/otlptranslator"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// maxScrapes bounds the scrapes that run at once: each holds all series.
const maxScrapes = 4

// newPrometheus makes a reader and the page that it is read by, over a
// registry of its own. Names are translated as Prometheus' users know them:
// dots to underscores, _seconds, _total.
func newPrometheus(p *problems) (sdkmetric.Reader, http.Handler, error) {
	registry := prometheus.NewRegistry()
	reader, err := otelprometheus.New(
		otelprometheus.WithRegisterer(registry),
		otelprometheus.WithoutScopeInfo(), // one scope: its labels would say the same on every line
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

func noMetrics(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "metrics are off", http.StatusNotFound)
}
