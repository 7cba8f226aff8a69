package otel

import (
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"tokenomics/internal/record"
)

// maxSeries bounds the attribute sets kept, below the SDK's own limit of 2000
// for each instrument, so that its overflow series is never needed. What comes
// after is still counted, under labels of "other".
const maxSeries = 1800

// maxErrorTypes bounds error.type, which engines make up.
const maxErrorTypes = 50

// seriesKey is all that labels of one Record can differ by.
type seriesKey struct {
	endpoint, method, provider, model, response, server, errType, tenant string

	outcome record.Outcome
	status  int
}

// series is one attribute set with everything made beforehand that recording
// needs: making options for each request would cost four times the recording.
// Of a measurement's 250 ns each attribute takes 30, so the histograms that are
// many have few: the engine's address is on durations and counters.
type series struct {
	capped   bool // something was replaced by "other"
	requests *requestCounts
	usage    *usageCounts // nil for what is only passed through

	genAI    []metric.RecordOption
	duration []metric.RecordOption // genAI with server.address, server.port and error.type
	input    []metric.RecordOption // genAI, with gen_ai.token.type where the convention has it
	output   []metric.RecordOption
	ours     []metric.RecordOption // tokenomics.*
	server   []metric.RecordOption
	client   []metric.RecordOption
}

// labels finds the series of a Record.
type labels struct {
	tokenType bool // gen_ai.token.type on token histograms (semconv 1.41)
	modality  bool // gen_ai.token.modality on usage counters (newest)
	overflow  atomic.Int64
	estimated atomic.Int64 // tokens that no engine told

	mu       sync.RWMutex // protects the rest
	models   vocabulary
	tenants  vocabulary
	errors   vocabulary
	series   map[seriesKey]*series
	requests map[requestKey]*requestCounts
	usages   map[usageKey]*usageCounts
}

func newLabels(limit int, semconv string) *labels {
	return &labels{
		tokenType: semconv == Semconv141, modality: semconv != Semconv141,
		models: newVocabulary(limit), tenants: newVocabulary(limit), errors: newVocabulary(maxErrorTypes),
		series:   make(map[seriesKey]*series),
		requests: make(map[requestKey]*requestCounts),
		usages:   make(map[usageKey]*usageCounts),
	}
}

// of is r's series: a look-up under a read lock when all of it has been seen.
func (l *labels) of(r *record.Record) *series {
	l.mu.RLock()
	key, final := l.find(r)
	s := l.series[key]
	l.mu.RUnlock()
	if !final || s == nil {
		l.mu.Lock()
		s = l.add(r)
		l.mu.Unlock()
	}
	if s.capped {
		l.overflow.Add(1)
	}
	return s
}

// find is r's key as far as the vocabularies know it.
func (l *labels) find(r *record.Record) (key seriesKey, final bool) {
	key = seriesKey{endpoint: r.Endpoint, method: methodOf(r.Method), provider: r.Provider, server: r.Server, outcome: r.Outcome, status: r.Status}
	var ok [4]bool
	key.model, ok[0] = l.models.find(r.Model)
	key.response, ok[1] = l.models.find(r.ResponseModel)
	key.errType, ok[2] = l.errors.find(errorType(r))
	key.tenant, ok[3] = l.tenants.find(r.Tenant)
	if !mayName(r) {
		ok[0], ok[1] = true, true
	}
	return key, ok[0] && ok[1] && ok[2] && ok[3]
}

// mayName says whether r's model may take a place in the vocabulary. Names
// that the engine refused would fill it with a client's inventions.
func mayName(r *record.Record) bool { return r.Status < 400 || r.Status >= 500 }

// add admits what is new in r and makes its series. The lock is held.
func (l *labels) add(r *record.Record) *series {
	if mayName(r) {
		l.models.admit(r.Model)
		l.models.admit(r.ResponseModel)
	}
	l.errors.admit(errorType(r))
	l.tenants.admit(r.Tenant)
	key, _ := l.find(r)
	if s := l.series[key]; s != nil {
		return s
	}
	if len(l.series) >= maxSeries {
		key = seriesKey{endpoint: key.endpoint, method: otherMethod, provider: other, model: other, response: other, outcome: key.outcome, errType: key.errType}
		if key.errType != "" {
			key.errType = other
		}
		if s := l.series[key]; s != nil {
			return s
		}
	}
	s := l.build(key)
	l.series[key] = s
	return s
}

func (l *labels) build(k seriesKey) *series {
	s := &series{capped: k.model == other || k.response == other || k.errType == other || k.tenant == other}
	s.requests = l.requestCounts(requestKey{k.endpoint, k.provider, k.model, k.errType, k.tenant, k.outcome})
	host, port := hostPort(k.server)

	http := []attribute.KeyValue{keyHTTPMethod.String(k.method)}
	if k.status > 0 {
		http = append(http, keyHTTPStatus.Int(k.status))
	}
	server := append(http[:len(http):len(http)], keyURLScheme.String("http"))
	if route := routeOf(k.endpoint); route != "" {
		server = append(server, keyHTTPRoute.String(route))
	}
	if k.errType != "" && serverFailed(k.outcome, k.status) {
		server = append(server, keyErrorType.String(k.errType))
	}
	s.server = options(server)
	client := append(http[:len(http):len(http)], address(host, port)...)
	if k.errType != "" {
		client = append(client, keyErrorType.String(k.errType))
	}
	s.client = options(client)
	if k.endpoint == "" {
		return s
	}

	s.usage = l.usageCounts(usageKey{k.endpoint, k.provider, k.model, k.response, k.server, k.tenant})
	s.ours = options(appendText([]attribute.KeyValue{keyOperation.String(operationOf(k.endpoint))}, keyRequestModel, k.model))
	genAI := genAIAttributes(k.endpoint, k.provider, k.model, k.response)
	s.genAI = options(genAI)
	s.duration = options(genAI, appendText(address(host, port), keyErrorType, k.errType)...)
	s.input, s.output = s.genAI, s.genAI
	if l.tokenType {
		s.input = options(genAI, keyTokenType.String("input"))
		s.output = options(genAI, keyTokenType.String("output"))
	}
	return s
}
