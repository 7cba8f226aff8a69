package otel

import "testing"

func TestOperationsAndRoutes(t *testing.T) {
	tests := []struct{ endpoint, path, operation, route string }{
		{"chat", "/v1/chat/completions", "chat", "/v1/chat/completions"},
		{"chat", "/team-7/v1/chat/completions", "chat", "/v1/chat/completions"},
		{"chat", "/api/chat", "chat", "/api/chat"},
		{"responses", "/v1/responses", "chat", "/v1/responses"},
		{"messages", "/v1/messages", "chat", "/v1/messages"},
		{"completions", "/v1/completions", "text_completion", "/v1/completions"},
		{"completions", "/completions", "text_completion", "/completions"},
		{"generate", "/inference/v1/generate", "text_completion", "/inference/v1/generate"},
		{"generate", "/api/generate", "text_completion", "/api/generate"},
		{"generate", "/generate", "text_completion", "/generate"},
		{"embeddings", "/v1/embeddings", "embeddings", "/v1/embeddings"},
		{"rerank", "/v2/rerank", "rerank", "/v2/rerank"},
		{"chat", "/made/up", "chat", ""},
		{"", "/v1/chat/completions", "", ""},
	}
	for _, tt := range tests {
		if got := operationOf(tt.endpoint); got != tt.operation {
			t.Errorf("%s %s: operation %q, want %q", tt.endpoint, tt.path, got, tt.operation)
		}
		if got := routeOf(tt.endpoint, tt.path); got != tt.route {
			t.Errorf("%s %s: route %q, want %q", tt.endpoint, tt.path, got, tt.route)
		}
	}
}

// Several endpoints are one operation, and their tokens one sum.
func TestOneOperationOfSeveralEndpoints(t *testing.T) {
	r := newRig(t, Config{}, nil)
	for _, endpoint := range []string{"chat", "messages", "responses"} {
		rec := streamed()
		rec.Endpoint = endpoint
		r.Observe(rec)
	}
	if l := with(r.dump(t), "usage.output_tokens counter"); len(l) != 1 || sum(t, l) != 33 {
		t.Errorf("got %v, want one of 33", l)
	}
	if l := with(r.dump(t), "tokenomics.requests counter"); len(l) != 3 {
		t.Errorf("got %v, want one for each endpoint", l)
	}
}
