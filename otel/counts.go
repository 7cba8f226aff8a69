package otel

import (
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"tokenomics/internal/record"
)

// requestCounts are the counters of one (endpoint, outcome, ...): plain
// numbers, read when metrics are collected.
type requestCounts struct {
	options  []metric.ObserveOption
	finished atomic.Int64
	buffered atomic.Int64
	events   atomic.Int64
	aborted  [len(phases)]atomic.Int64
	phase    [len(phases)][]metric.ObserveOption // of outcomes that are aborts
}

// usageCounts are the tokens of one (operation, model, ...).
type usageCounts struct {
	options                          []metric.ObserveOption
	input, output, cached, reasoning tokenCount
}

// tokenCount is a counter that exists from its first count on, be that 0:
// absent is not zero.
type tokenCount struct {
	known atomic.Bool
	n     atomic.Int64
}

func (c *tokenCount) add(n record.Count) {
	if v, ok := n.Get(); ok {
		c.n.Add(v)
		c.known.Store(true)
	}
}

func newRequestCounts(k requestKey) *requestCounts {
	endpoint := k.endpoint
	if endpoint == "" {
		endpoint = other
	}
	kv := []attribute.KeyValue{keyEndpoint.String(endpoint), keyOutcome.String(string(k.outcome)), keyProvider.String(providerOf(k.provider))}
	kv = appendText(kv, keyRequestModel, k.model)
	kv = appendText(kv, keyErrorType, k.errType)
	kv = appendText(kv, keyTenant, k.tenant)
	c := &requestCounts{options: observeOptions(kv)}
	if isAbort(k.outcome) {
		for i, phase := range phases {
			c.phase[i] = observeOptions(kv, keyPhase.String(phase))
		}
	}
	return c
}

func (l *labels) newUsageCounts(k usageKey) *usageCounts {
	kv := append(genAIAttributes(genAIKey{k.operation, k.provider, k.model, k.response}), address(hostPort(k.server))...)
	kv = appendText(kv, keyTenant, k.tenant)
	if l.modality {
		kv = append(kv, keyTokenModality.String(unknownModality))
	}
	return &usageCounts{options: observeOptions(kv)}
}

// eachRequests and eachUsage visit what has been counted, for collection.
func (l *labels) eachRequests(visit func(*requestCounts)) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, c := range l.requests.sets {
		visit(c)
	}
}

func (l *labels) eachUsage(visit func(*usageCounts)) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, c := range l.usages.sets {
		visit(c)
	}
}

func (c *requestCounts) count(r *record.Record) {
	c.finished.Add(1)
	c.events.Add(int64(r.Events))
	if r.Buffered {
		c.buffered.Add(1)
	}
	if isAbort(r.Outcome) {
		c.aborted[phaseOf(r)].Add(1)
	}
}
