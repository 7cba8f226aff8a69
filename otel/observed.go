package otel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// observed registers everything that is counted elsewhere and read when
// metrics are collected: the counters of the series, of running requests, and
// of our own losses.
type observed struct {
	meter metric.Meter
	errs  []error
}

func (t *Telemetry) register(meter metric.Meter, cfg Config) error {
	o := &observed{meter: meter}
	o.requests(t.instruments.labels)
	o.usage(t.instruments.labels, namesOf(cfg.Semconv))
	o.live(t, cfg)
	o.losses(t, cfg)
	if err := errors.Join(o.errs...); err != nil {
		return fmt.Errorf("making the counters: %w", err)
	}
	return nil
}

func (o *observed) counter(name, unit, what string) metric.Int64ObservableCounter {
	c, err := o.meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(what))
	o.errs = append(o.errs, err)
	return c
}

func (o *observed) callback(f func(metric.Observer), instruments ...metric.Observable) {
	_, err := o.meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		f(to)
		return nil
	}, instruments...)
	o.errs = append(o.errs, err)
}

// value observes one number without attributes.
func (o *observed) value(name, unit, what string, read func() int64) {
	c := o.counter(name, unit, what)
	o.callback(func(to metric.Observer) { to.ObserveInt64(c, read()) }, c)
}

// level is the same for a number that also falls.
func (o *observed) level(name, unit, what string, read func() int64) {
	c, err := o.meter.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(what))
	o.errs = append(o.errs, err)
	o.callback(func(to metric.Observer) { to.ObserveInt64(c, read()) }, c)
}

func (o *observed) requests(l *labels) {
	finished := o.counter(nameRequests, "{request}", "Requests that are over, by how they ended; endpoint \"other\" was only passed through.")
	buffered := o.counter(nameBuffered, "{request}", "Streams whose tokens came in far fewer instants than tokens; they have no decode figures.")
	events := o.counter(nameEvents, "{event}", "Events decoded from streams.")
	aborted := o.counter(nameAborted, "{request}", "Requests that the client or the engine broke off, by how far the answer had come.")
	o.callback(func(to metric.Observer) {
		l.eachRequests(func(c *requestCounts) {
			to.ObserveInt64(finished, c.finished.Load(), c.options...)
			if n := c.events.Load(); n > 0 {
				to.ObserveInt64(events, n, c.options...)
			}
			if n := c.buffered.Load(); n > 0 {
				to.ObserveInt64(buffered, n, c.options...)
			}
			for i := range c.aborted {
				if n := c.aborted[i].Load(); n > 0 {
					to.ObserveInt64(aborted, n, c.phase[i]...)
				}
			}
		})
	}, finished, buffered, events, aborted)
	o.value(nameEstimated, "{token}", "Output tokens of requests whose engine told no count, estimated from their events; in no usage counter.", l.estimated.Load)
	o.value(nameLabelOverflow, "{request}", "Requests with a model, tenant or error type that is shown as \"other\", or counted in a coarser label set, because there is no room for it.", l.overflow.Load)
}

func (o *observed) usage(l *labels, n genAINames) {
	if n.usageInput == "" {
		return
	}
	input := o.counter(n.usageInput, "{token}", "Prompt tokens by the engine's count, cached ones included.")
	output := o.counter(n.usageOutput, "{token}", "Completion tokens by the engine's count, reasoning included.")
	cached := o.counter(n.usageCached, "{token}", "Prompt tokens that the engine took from its prefix cache; part of the input tokens.")
	reasoning := o.counter(n.usageReasoning, "{token}", "Reasoning tokens by the engine's count; part of the output tokens.")
	o.callback(func(to metric.Observer) {
		l.eachUsage(func(c *usageCounts) {
			for _, p := range []struct {
				counter metric.Int64ObservableCounter
				tokens  *tokenCount
			}{{input, &c.input}, {output, &c.output}, {cached, &c.cached}, {reasoning, &c.reasoning}} {
				if p.tokens.known.Load() {
					to.ObserveInt64(p.counter, p.tokens.n.Load(), c.options...)
				}
			}
		})
	}, input, output, cached, reasoning)
}

func (o *observed) live(t *Telemetry, cfg Config) {
	live := cfg.Live
	if live == nil {
		return
	}
	o.value(nameStarted, "{request}", "Requests begun.", live.Requests.Load)
	o.value(nameStreamed, "{token}", "Output tokens as they stream, set right by the engine's count at each request's end.", live.Streamed)
	o.value(nameAfterClient, "{token}", "Tokens that the engine sent after their client had left.", live.AfterClient.Load)
	o.value(nameParseFailures, "{failure}", "Events and bodies that could not be read; they were passed on all the same.", live.ParseFailures.Load)
	o.value(namePanics, "{panic}", "Panics caught in measuring code; the streams went on.", live.Panics.Load)

	o.level(nameActive, "{request}", "Requests in flight.", live.Active.Load)
	if !cfg.FromClient {
		o.level(nameConnections, "{connection}", "Connections of clients that are open.", live.Connections.Load)
		o.value(nameRefused, "{request}", "Requests turned away because the proxy had as many connections or requests as it may have.", live.Refused.Load)
		o.value(nameReplayed, "{request}", "Requests sent to the engine once more, on a fresh connection, because a kept one was dead.", live.Replays.Load)
		o.value(nameUpgrades, "{connection}", "Connections that became something else than HTTP and were tunnelled, such as WebSockets.", live.Upgrades.Load)
	}

	rate, err := o.meter.Float64ObservableGauge(nameTokenRate, metric.WithUnit("{token}/s"),
		metric.WithDescription("Output tokens per second now: over the window that the label names, and at most 0.25 s more."))
	o.errs = append(o.errs, err)
	short := metric.WithAttributeSet(attribute.NewSet(keyWindow.String("1s")))
	long := metric.WithAttributeSet(attribute.NewSet(keyWindow.String("10s")))
	o.callback(func(to metric.Observer) {
		now, n := time.Now(), live.Streamed()
		if v, ok := t.window.rate(now, n, shortWindow); ok {
			to.ObserveFloat64(rate, v, short)
		}
		if v, ok := t.window.rate(now, n, longWindow); ok {
			to.ObserveFloat64(rate, v, long)
		}
	}, rate)
}

func (o *observed) losses(t *Telemetry, cfg Config) {
	if cfg.Drops != nil {
		dropped := o.counter(nameSinkDropped, "{record}", "Records that a sink has not been given because it was too slow.")
		o.callback(func(to metric.Observer) {
			for sink, n := range cfg.Drops() {
				to.ObserveInt64(dropped, n, metric.WithAttributeSet(attribute.NewSet(keySink.String(sink))))
			}
		}, dropped)
	}
	if cfg.SinkPanics != nil {
		o.value(nameSinkPanics, "{record}", "Records that a sink failed on.", cfg.SinkPanics)
	}
	if t.spans != nil {
		dropped := o.counter(nameSpansDropped, "{span}", "Spans that were made and never reached the backend.")
		o.callback(func(to metric.Observer) {
			for reason, n := range t.spans.queue.drops() {
				to.ObserveInt64(dropped, n, metric.WithAttributeSet(attribute.NewSet(keyReason.String(reason))))
			}
		}, dropped)
	}
	failures := o.counter(nameExportFailures, "{export}", "Exports that the OTLP backend did not take.")
	o.callback(func(to metric.Observer) {
		for signal, n := range t.problems.failures() {
			to.ObserveInt64(failures, n, metric.WithAttributeSet(attribute.NewSet(keySignal.String(signal))))
		}
	}, failures)
}
