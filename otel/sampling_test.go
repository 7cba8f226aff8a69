package otel

import (
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func TestSampling(t *testing.T) {
	for want, s := range map[string]sdktrace.Sampler{
		"samples 0.01 of them, or as the caller has it": sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.01)),
		"samples all, or as the caller has it":          sdktrace.ParentBased(sdktrace.AlwaysSample()),
		"samples none":                                  sdktrace.NeverSample(),
		"samples 0.5 of them":                           sdktrace.TraceIDRatioBased(0.5),
	} {
		if got := sampling(s); got != want {
			t.Errorf("%s: %q, want %q", s.Description(), got, want)
		}
	}
}
