// Package otel turns Records into OpenTelemetry metrics and spans, and serves
// the same metrics to Prometheus. It is a sink: it takes finished Records and
// knows nothing of how they were made.
//
// Everything about one request is recorded once, at its end; per-event figures
// are gathered in the Record before. Names follow the conventions that
// names.go states. Nothing is exported unless an endpoint or an exporter has
// been configured (Config), and providers are values: two Telemetry in one
// process do not meet, except in the SDK's one global error handler.
package otel
