package main

import (
	"net"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/sim"
)

// TestADeadBackendCostsTelemetryOnly: a backend that takes connections and
// nothing more. Every request is answered and has its line, the losses are on
// /metrics, the log has a line of each kind, and the exit is good.
func TestADeadBackendCostsTelemetryOnly(t *testing.T) {
	engine := startSim(t, sim.Config{Model: "m", TTFT: sim.ConstantDuration(time.Millisecond), ITL: sim.ConstantDuration(100 * time.Microsecond)})
	backend, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	for name, value := range map[string]string{
		"OTEL_BSP_MAX_QUEUE_SIZE": "20", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10", "OTEL_BSP_EXPORT_TIMEOUT": "50",
		"OTEL_METRIC_EXPORT_INTERVAL": "20", "OTEL_METRIC_EXPORT_TIMEOUT": "50",
	} {
		t.Setenv(name, value)
	}
	p := runProxy(t, "--upstream", engine, "--otlp-endpoint", "http://"+backend.Addr().String())
	const requests = 200
	for range requests {
		if status, _, body := postJSON(t, p.url+"/v1/chat/completions", oneChat); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
	}
	waitFor(t, "the losses on /metrics", func() bool {
		page := get(t, p.admin+"/metrics")
		lost := func(series string) bool {
			return strings.Contains(page, series) && !strings.Contains(page, series+"0\n")
		}
		return strings.Contains(page, `tokenomics_outcome="complete"} 200`) &&
			lost(`tokenomics_otel_spans_dropped_total{tokenomics_reason="queue_full"} `) && lost(`tokenomics_otel_spans_dropped_total{tokenomics_reason="export_failed"} `) &&
			lost(`tokenomics_otel_export_failures_total{tokenomics_signal="traces"} `) && lost(`tokenomics_otel_export_failures_total{tokenomics_signal="metrics"} `)
	})
	code, stderr := p.stop()
	if code != exitGood {
		t.Errorf("exit %d: %s", code, stderr)
	}
	for _, message := range []string{"exporting traces failed", "exporting metrics failed", "spans are dropped"} {
		told := 0
		for line := range strings.Lines(stderr) {
			if strings.Contains(line, message) && !strings.Contains(line, "in_all=") { // that one sums up at the end
				told++
			}
		}
		if told != 1 {
			t.Errorf("%q is told %d times: %s", message, told, stderr)
		}
	}
}
