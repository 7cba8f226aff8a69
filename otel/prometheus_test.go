package otel

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"tokenomics/internal/record"
)

func scrape(t *testing.T, tel *Telemetry) string {
	t.Helper()
	w := httptest.NewRecorder()
	tel.PrometheusHandler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestPrometheusText(t *testing.T) {
	clearEnv(t)
	var live record.Live
	live.Stream(40)
	tel, err := New(t.Context(), Config{Prometheus: true, Live: &live, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer tel.Shutdown(t.Context())
	tel.Observe(streamed())
	page := scrape(t, tel)
	const (
		genAI = `gen_ai_operation_name="chat",gen_ai_provider_name="vllm",gen_ai_request_model="llama",gen_ai_response_model="llama-8b"`
		usage = genAI + `,gen_ai_token_modality="unknown",server_address="127.0.0.1",server_port="8001"} `
		ours  = `{gen_ai_operation_name="chat",gen_ai_request_model="llama"`
	)
	for _, want := range []string{
		"# TYPE gen_ai_client_inference_usage_input_tokens_total counter\ngen_ai_client_inference_usage_input_tokens_total{" + usage + "9\n",
		"# TYPE gen_ai_client_inference_usage_output_tokens_total counter\ngen_ai_client_inference_usage_output_tokens_total{" + usage + "11\n",
		"\ngen_ai_client_inference_usage_cache_read_input_tokens_total{" + usage + "0\n",
		"\ngen_ai_client_inference_usage_reasoning_output_tokens_total{" + usage + "4\n",
		"# TYPE gen_ai_client_inference_duration_seconds histogram\n",
		"\ngen_ai_client_inference_duration_seconds_sum{" + genAI + `,server_address="127.0.0.1",server_port="8001"} 0.205` + "\n",
		"\ntokenomics_request_time_to_first_token_seconds_bucket" + ours + `,le="0.08"} 0` + "\n",
		"\ntokenomics_request_time_to_first_token_seconds_bucket" + ours + `,le="0.16"} 1` + "\n",
		"\ntokenomics_request_time_to_first_token_seconds_bucket" + ours + `,le="1310.72"} 1` + "\n",
		"\ntokenomics_request_output_token_rate_per_second_sum" + ours + "} 55\n",
		"\ntokenomics_request_decode_token_rate_per_second_count" + ours + "} 1\n",
		"\ntokenomics_requests_total{" + `gen_ai_provider_name="vllm",gen_ai_request_model="llama",tokenomics_endpoint="chat",tokenomics_outcome="complete"} 1` + "\n",
		"\ntokenomics_load_time_to_first_token_seconds_bucket" + ours + `,tokenomics_in_flight_range="2",le="0.16"} 1` + "\n",
		"\ntokenomics_load_time_per_output_token_seconds_sum" + ours + `,tokenomics_in_flight_range="2"} 0.01` + "\n",
		"\ntokenomics_connections 0\n",
		"\ntokenomics_requests_refused_total 0\n",
		"\ntokenomics_tokens_streamed_total 40\n",
		"\ntokenomics_requests_active 0\n",
		"\nhttp_server_request_duration_seconds_count{" + `http_request_method="POST",http_response_status_code="200",http_route="/v1/chat/completions",url_scheme="http"} 1` + "\n",
		`service_name="tokenomics-proxy"`,
		"\ngo_goroutines ",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if strings.Contains(page, "otel_scope") {
		t.Error("scope labels on the series")
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestPrometheusIsOffUnlessAsked(t *testing.T) {
	clearEnv(t)
	for _, tt := range []struct {
		cfg      Config
		disabled string
	}{{Config{}, ""}, {Config{Prometheus: true}, "true"}} {
		t.Setenv("OTEL_SDK_DISABLED", tt.disabled)
		tel := send(t, tt.cfg)
		w := httptest.NewRecorder()
		tel.PrometheusHandler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		if w.Code != 404 {
			t.Errorf("%+v: status %d", tt.cfg, w.Code)
		}
	}
}
