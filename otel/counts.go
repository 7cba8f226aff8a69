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
	phase    [len(phases)][]metric.ObserveOption
}

type requestKey struct {
	endpoint, provider, model, errType, tenant string

	outcome record.Outcome
}

// usageCounts are the tokens of one (operation, model, ...).
type usageCounts struct {
	options                          []metric.ObserveOption
	input, output, cached, reasoning tokenCount
}

type usageKey struct{ endpoint, provider, model, response, server, tenant string }

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

func (l *labels) requestCounts(k requestKey) *requestCounts {
	if c := l.requests[k]; c != nil {
		return c
	}
	endpoint := k.endpoint
	if endpoint == "" {
		endpoint = other
	}
	kv := []attribute.KeyValue{keyEndpoint.String(endpoint), keyOutcome.String(string(k.outcome)), keyProvider.String(providerOf(k.provider))}
	kv = appendText(kv, keyRequestModel, k.model)
	kv = appendText(kv, keyErrorType, k.errType)
	kv = appendText(kv, keyTenant, k.tenant)
	c := &requestCounts{options: []metric.ObserveOption{metric.WithAttributeSet(attribute.NewSet(kv...))}}
	for i, phase := range phases {
		set := attribute.NewSet(append(kv[:len(kv):len(kv)], keyPhase.String(phase))...)
		c.phase[i] = []metric.ObserveOption{metric.WithAttributeSet(set)}
	}
	l.requests[k] = c
	return c
}

func (l *labels) usageCounts(k usageKey) *usageCounts {
	if c := l.usages[k]; c != nil {
		return c
	}
	host, port := hostPort(k.server)
	kv := append(genAIAttributes(k.endpoint, k.provider, k.model, k.response), address(host, port)...)
	kv = appendText(kv, keyTenant, k.tenant)
	if l.modality {
		kv = append(kv, keyTokenModality.String(unknownModality))
	}
	c := &usageCounts{options: []metric.ObserveOption{metric.WithAttributeSet(attribute.NewSet(kv...))}}
	l.usages[k] = c
	return c
}

// eachRequests and eachUsage visit what has been counted, for collection.
func (l *labels) eachRequests(visit func(*requestCounts)) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, c := range l.requests {
		visit(c)
	}
}

func (l *labels) eachUsage(visit func(*usageCounts)) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, c := range l.usages {
		visit(c)
	}
}

func (c *requestCounts) count(r *record.Record) {
	c.finished.Add(1)
	c.events.Add(int64(r.Events))
	if r.Buffered {
		c.buffered.Add(1)
	}
	if r.Outcome == record.ClientAbort || r.Outcome == record.EngineAbort {
		c.aborted[phaseOf(r)].Add(1)
	}
}
