package otel

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// All names this package emits, and nothing else, so that a renamed convention
// is a change to this file. GenAI names follow, by Config.Semconv:
//
//   - "" (newest): github.com/open-telemetry/semantic-conventions-genai as of
//     2026-10-07, status Development; embeddings still share the inference names.
//   - "1.41": the last release that carried GenAI names
//     (go.opentelemetry.io/otel/semconv/v1.41.0/genaiconv).
//
// HTTP names are the stable ones (semconv 1.43).
const (
	SemconvNewest = ""
	Semconv141    = "1.41"
)

// genAINames are the names that differ between the conventions. An empty name
// is an instrument that the convention does not have.
type genAINames struct {
	duration, firstChunk, perChunk                       string
	inputTokens, outputTokens                            string // one name for both: told apart by gen_ai.token.type
	usageInput, usageOutput, usageCached, usageReasoning string
}

func namesOf(semconv string) genAINames {
	if semconv == Semconv141 {
		return genAINames{
			duration:     "gen_ai.client.operation.duration",
			firstChunk:   "gen_ai.client.operation.time_to_first_chunk",
			perChunk:     "gen_ai.client.operation.time_per_output_chunk",
			inputTokens:  "gen_ai.client.token.usage",
			outputTokens: "gen_ai.client.token.usage",
		}
	}
	return genAINames{
		duration:       "gen_ai.client.inference.duration",
		firstChunk:     "gen_ai.client.inference.time_to_first_chunk",
		perChunk:       "gen_ai.client.inference.time_per_output_chunk",
		inputTokens:    "gen_ai.client.inference.operation.input_tokens",
		outputTokens:   "gen_ai.client.inference.operation.output_tokens",
		usageInput:     "gen_ai.client.inference.usage.input_tokens",
		usageOutput:    "gen_ai.client.inference.usage.output_tokens",
		usageCached:    "gen_ai.client.inference.usage.cache_read.input_tokens",
		usageReasoning: "gen_ai.client.inference.usage.reasoning.output_tokens",
	}
}

const (
	// The engine's own latencies as they look from outside (by flag).
	nameServerDuration   = "gen_ai.server.request.duration"
	nameServerFirstToken = "gen_ai.server.time_to_first_token"
	nameServerPerToken   = "gen_ai.server.time_per_output_token"

	nameHTTPServer = "http.server.request.duration"
	nameHTTPClient = "http.client.request.duration"

	nameTTFT       = "tokenomics.request.time_to_first_token"
	nameTTFO       = "tokenomics.request.time_to_first_output"
	nameITL        = "tokenomics.request.inter_token_latency"
	nameGapMax     = "tokenomics.request.event_gap.max"
	nameOutputRate = "tokenomics.request.output_token_rate"
	nameDecodeRate = "tokenomics.request.decode_token_rate"
	nameOverhead   = "tokenomics.proxy.overhead"

	// Latency against the requests in flight when each request began.
	nameLoadTTFT = "tokenomics.load.time_to_first_token"
	nameLoadTPOT = "tokenomics.load.time_per_output_token"

	nameRequests    = "tokenomics.requests"
	nameAborted     = "tokenomics.requests.aborted"
	nameBuffered    = "tokenomics.requests.buffered"
	nameEvents      = "tokenomics.events"
	nameStarted     = "tokenomics.requests.started"
	nameActive      = "tokenomics.requests.active"
	nameStreamed    = "tokenomics.tokens.streamed"
	nameAfterClient = "tokenomics.tokens.after_client"
	nameEstimated   = "tokenomics.tokens.estimated"
	nameTokenRate   = "tokenomics.token_rate"

	nameConnections = "tokenomics.connections"
	nameRefused     = "tokenomics.requests.refused"
	nameReplayed    = "tokenomics.requests.replayed"
	nameUpgrades    = "tokenomics.upgrades"

	nameSinkDropped    = "tokenomics.sink.dropped"
	nameSinkPanics     = "tokenomics.sink.panics"
	nameParseFailures  = "tokenomics.parse_failures"
	namePanics         = "tokenomics.panics"
	nameLabelOverflow  = "tokenomics.labels.overflow"
	nameSpansDropped   = "tokenomics.otel.spans.dropped"
	nameExportFailures = "tokenomics.otel.export.failures"
)

const (
	keyOperation     = attribute.Key("gen_ai.operation.name")
	keyProvider      = attribute.Key("gen_ai.provider.name")
	keyRequestModel  = attribute.Key("gen_ai.request.model")
	keyResponseModel = attribute.Key("gen_ai.response.model")
	keyTokenType     = attribute.Key("gen_ai.token.type")
	keyTokenModality = attribute.Key("gen_ai.token.modality")
	keyServerAddress = attribute.Key("server.address")
	keyServerPort    = attribute.Key("server.port")
	keyErrorType     = attribute.Key("error.type")

	// Of the client span only.
	keyRequestStream    = attribute.Key("gen_ai.request.stream")
	keyRequestChoices   = attribute.Key("gen_ai.request.choice.count")
	keyRequestMaxTokens = attribute.Key("gen_ai.request.max_tokens")
	keyFinishReasons    = attribute.Key("gen_ai.response.finish_reasons")
	keyFirstChunk       = attribute.Key("gen_ai.response.time_to_first_chunk")
	keyInputTokens      = attribute.Key("gen_ai.usage.input_tokens")
	keyOutputTokens     = attribute.Key("gen_ai.usage.output_tokens")
	keyCachedTokens     = attribute.Key("gen_ai.usage.cache_read.input_tokens")
	keyReasoningTokens  = attribute.Key("gen_ai.usage.reasoning.output_tokens")

	keyHTTPMethod   = attribute.Key("http.request.method")
	keyHTTPRoute    = attribute.Key("http.route")
	keyHTTPStatus   = attribute.Key("http.response.status_code")
	keyHTTPReqSize  = attribute.Key("http.request.body.size")
	keyHTTPRespSize = attribute.Key("http.response.body.size")
	keyURLPath      = attribute.Key("url.path")
	keyURLFull      = attribute.Key("url.full")
	keyURLScheme    = attribute.Key("url.scheme")

	keyEndpoint = attribute.Key("tokenomics.endpoint")
	keyOutcome  = attribute.Key("tokenomics.outcome")
	keyPhase    = attribute.Key("tokenomics.phase")
	keyTenant   = attribute.Key("tokenomics.tenant")
	keyWindow   = attribute.Key("tokenomics.window")
	keySink     = attribute.Key("tokenomics.sink")
	keyReason   = attribute.Key("tokenomics.reason")
	keySignal   = attribute.Key("tokenomics.signal")

	keyInFlightRange = attribute.Key("tokenomics.in_flight.range")
)

// operationOf names an endpoint as gen_ai.operation.name does; what the
// convention has no name for keeps its own.
func operationOf(endpoint string) string {
	switch endpoint {
	case "responses", "messages":
		return "chat"
	case "completions", "generate":
		return "text_completion"
	}
	return endpoint // "chat", "embeddings", "rerank", "score", ...
}

// routes are the paths of measured endpoints, those that come most first, and
// each before those that it ends in.
var routes = [...]string{
	"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/messages",
	"/api/chat", "/api/generate", "/api/embed",
	"/inference/v1/generate", "/generate_stream", "/generate", "/completion", "/infill",
	"/v2/embed", "/embedding", "/encode",
	"/v1/rerank", "/v2/rerank", "/rerank", "/reranking", "/v1/score", "/score", "/generative_scoring", "/pooling", "/classify",
	"/v1/audio/transcriptions", "/v1/audio/translations",
	"/chat/completions", "/completions", "/embeddings", "/responses",
}

// routeOf is the http.route of a request to a measured endpoint, without what
// stands in front of it; "" for what is only passed through, whose paths are
// the client's and unbounded.
func routeOf(endpoint, path string) string {
	if endpoint == "" {
		return ""
	}
	for _, route := range routes {
		if strings.HasSuffix(path, route) {
			return route
		}
	}
	return ""
}

const (
	other           = "other"   // what is shown of a label whose list is full, or does not have it
	unknownProvider = "unknown" // gen_ai.provider.name is required, and guessing would be worse
	unknownModality = "unknown" // engines do not split their usage by modality
)

// Explicit buckets, for /metrics: the conventions' own list of powers of two
// from 10 ms to 82 s, with more below 10 ms and above 10 s, since decode steps
// are shorter and reasoning answers longer.
func secondsBuckets() []float64 {
	return []float64{.0005, .001, .0025, .005, .01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24,
		20.48, 40.96, 81.92, 163.84, 327.68, 655.36, 1310.72}
}

func overheadBuckets() []float64 {
	return []float64{1e-7, 2.5e-7, 5e-7, 1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, .025, .1}
}

func tokenBuckets() []float64 {
	return []float64{1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576}
}

func rateBuckets() []float64 {
	return []float64{1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000, 2000, 5000}
}
