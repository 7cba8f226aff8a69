package otel

import (
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"tokenomics/internal/record"
)

// How many label sets each family may have before it goes coarser (family.go).
// A set costs a line of /metrics in a counter, and some 25 in a histogram.
const (
	maxCounted = 2000 // of counters
	maxTimed   = 500  // of histograms
	maxLoaded  = 64   // of those by in-flight range, each of them one for every range

	// maxSeries is what no metric goes beyond. The SDK holds to it, and adds up
	// what is over under otel.metric.overflow; the families stay below.
	maxSeries = 4000

	// maxShortcuts bounds the look-up from Records to their label sets. It is
	// only a shortcut: when it is full, others take the places.
	maxShortcuts = 4096
)

// maxErrorTypes bounds error.type, which engines make up.
const maxErrorTypes = 50

// seriesKey is all that labels of one Record can differ by.
type seriesKey struct {
	endpoint, method, route, provider, model, response, server, errType, tenant string

	outcome record.Outcome
	status  int
}

// series is all label sets of a Record, made beforehand: making them for each
// request would cost more than the recording. Each label multiplies the lines of
// /metrics, so the histograms that are many have few: the engine's address is
// on durations and counters, and the tenant on what is ours.
type series struct {
	capped   bool // something is shown as "other"
	requests *requestCounts
	usage    *usageCounts // nil for what is only passed through

	server   []metric.RecordOption
	client   []metric.RecordOption
	ours     []metric.RecordOption // tokenomics.request.*
	load     *loadOptions          // tokenomics.load.*
	genAI    *genAIOptions
	duration []metric.RecordOption // genAI with server.address, server.port and error.type
}

// genAIOptions are those of the token histograms too, which have
// gen_ai.token.type where the convention has it.
type genAIOptions struct{ plain, input, output []metric.RecordOption }

// labels finds the series of a Record.
type labels struct {
	sets      *sets
	tokenType bool         // gen_ai.token.type on token histograms (semconv 1.41)
	modality  bool         // gen_ai.token.modality on usage counters (newest)
	overflow  atomic.Int64 // requests with a label that is shown as "other"
	estimated atomic.Int64 // tokens that no engine told

	mu      sync.RWMutex // protects the rest
	models  vocabulary
	tenants vocabulary
	errors  vocabulary
	series  map[seriesKey]*series

	requests       family[requestKey, *requestCounts]
	usages         family[usageKey, *usageCounts]
	ours           family[oursKey, []metric.RecordOption]
	load           family[loadKey, *loadOptions]
	genAI          family[genAIKey, *genAIOptions]
	durations      family[durationKey, []metric.RecordOption]
	server, client family[httpKey, []metric.RecordOption]
}

func newLabels(models, tenants Names, semconv string, s *sets) *labels {
	l := &labels{
		sets:      s,
		tokenType: semconv == Semconv141, modality: semconv != Semconv141,
		models: newVocabulary(models), tenants: newVocabulary(tenants), errors: newVocabulary(Names{Max: maxErrorTypes}),
		series: make(map[seriesKey]*series),
	}
	l.requests = newFamily(maxCounted, newRequestCounts)
	l.usages = newFamily(maxCounted, l.newUsageCounts)
	l.ours = newFamily(maxTimed, l.newOurs)
	l.load = newFamily(maxLoaded, l.newLoad)
	l.genAI = newFamily(maxTimed, l.newGenAI)
	l.durations = newFamily(maxTimed, l.newDuration)
	l.server = newFamily(maxTimed, l.newServer)
	l.client = newFamily(maxTimed, l.newClient)
	return l
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
	key = seriesKey{
		endpoint: r.Endpoint, method: methodOf(r.Method), route: routeOf(r.Endpoint, r.Path),
		provider: r.Provider, server: r.Server, outcome: r.Outcome, status: r.Status,
	}
	var ok [4]bool
	key.errType, ok[0] = l.errors.find(errorType(r))
	key.model, ok[1] = l.models.find(r.Model)
	key.response, ok[2] = l.models.find(r.ResponseModel)
	key.tenant, ok[3] = l.tenants.find(r.Tenant)
	return key, ok[0] && (!mayName(r) || ok[1] && ok[2] && ok[3])
}

// mayName says whether r's model and tenant may take a place in a vocabulary.
// Those of requests that the engine refused or never answered would fill it
// with a client's inventions.
func mayName(r *record.Record) bool { return r.Status > 0 && r.Status < 400 || r.Status >= 500 }

// add admits what is new in r and makes its series. The lock is held.
func (l *labels) add(r *record.Record) *series {
	if mayName(r) {
		l.models.admit(r.Model)
		l.models.admit(r.ResponseModel)
		l.tenants.admit(r.Tenant)
	}
	l.errors.admit(errorType(r))
	key, _ := l.find(r)
	if s := l.series[key]; s != nil {
		return s
	}
	if len(l.series) >= maxShortcuts {
		for old := range l.series {
			delete(l.series, old)
			break
		}
	}
	s := l.build(key)
	l.series[key] = s
	return s
}

func (l *labels) build(k seriesKey) *series {
	s := &series{capped: k.model == other || k.response == other || k.errType == other || k.tenant == other}
	note := func(capped bool) { s.capped = s.capped || capped }
	var capped bool
	s.requests, capped = l.requests.of(requestKey{k.endpoint, k.provider, k.model, k.errType, k.tenant, k.outcome})
	note(capped)
	failed := k.errType
	if !serverFailed(k.outcome, k.status) {
		failed = ""
	}
	s.server, capped = l.server.of(httpKey{method: k.method, route: k.route, errType: failed, status: k.status})
	note(capped)
	s.client, capped = l.client.of(httpKey{method: k.method, server: k.server, errType: k.errType, status: k.status})
	note(capped)
	if k.endpoint == "" {
		return s
	}
	operation := operationOf(k.endpoint)
	s.usage, capped = l.usages.of(usageKey{operation, k.provider, k.model, k.response, k.server, k.tenant})
	note(capped)
	s.ours, capped = l.ours.of(oursKey{operation, k.model, k.tenant})
	note(capped)
	s.load, _ = l.load.of(loadKey{operation, k.model}) // a view of what ours has whole
	genAI := genAIKey{operation, k.provider, k.model, k.response}
	s.genAI, capped = l.genAI.of(genAI)
	note(capped)
	s.duration, capped = l.durations.of(durationKey{genAI, k.server, k.errType})
	note(capped)
	return s
}

func (l *labels) newServer(k httpKey) []metric.RecordOption {
	kv := append(httpAttributes(k), keyURLScheme.String("http"))
	kv = appendText(kv, keyHTTPRoute, k.route)
	return l.sets.options(appendText(kv, keyErrorType, k.errType))
}

func (l *labels) newClient(k httpKey) []metric.RecordOption {
	kv := append(httpAttributes(k), address(hostPort(k.server))...)
	return l.sets.options(appendText(kv, keyErrorType, k.errType))
}

func (l *labels) newOurs(k oursKey) []metric.RecordOption {
	kv := appendText([]attribute.KeyValue{keyOperation.String(k.operation)}, keyRequestModel, k.model)
	return l.sets.options(appendText(kv, keyTenant, k.tenant))
}

func (l *labels) newGenAI(k genAIKey) *genAIOptions {
	kv := genAIAttributes(k)
	plain := l.sets.options(kv)
	if !l.tokenType {
		return &genAIOptions{plain, plain, plain}
	}
	return &genAIOptions{plain, l.sets.options(kv, keyTokenType.String("input")), l.sets.options(kv, keyTokenType.String("output"))}
}

func (l *labels) newDuration(k durationKey) []metric.RecordOption {
	return l.sets.options(genAIAttributes(k.genAIKey), appendText(address(hostPort(k.server)), keyErrorType, k.errType)...)
}
