package otel

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// patience bounds every wait for something that has to happen.
const patience = 30 * time.Second

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// socket is a backend on a real socket that does with each connection what
// serve says; nil is never to accept one.
func socket(t *testing.T, serve func(c net.Conn, ended <-chan struct{})) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var running sync.WaitGroup
	t.Cleanup(func() {
		close(ended)
		l.Close()
		running.Wait()
	})
	if serve == nil {
		return l.Addr().String()
	}
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				serve(c, ended)
			})
		}
	})
	return l.Addr().String()
}

// answering is a backend that reads each request whole and answers it.
func answering(t *testing.T, answer http.HandlerFunc) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the client may be gone, which is its business
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// badBackends are the ways in which a backend fails, each on real sockets.
var badBackends = []struct {
	name  string
	http  bool // says it in HTTP/1.1, which gRPC does not speak
	start func(t *testing.T) string
}{
	{"refuses connections", false, func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}},
	{"never accepts", false, func(t *testing.T) string { return socket(t, nil) }},
	{"never reads", false, func(t *testing.T) string {
		return socket(t, func(_ net.Conn, ended <-chan struct{}) { <-ended })
	}},
	{"reads slowly", false, func(t *testing.T) string {
		return socket(t, func(c net.Conn, ended <-chan struct{}) {
			for one := make([]byte, 1); ; {
				if _, err := c.Read(one); err != nil {
					return
				}
				select {
				case <-ended:
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
		})
	}},
	{"hangs up", false, func(t *testing.T) string { return socket(t, func(net.Conn, <-chan struct{}) {}) }},
	{"talks nonsense", false, func(t *testing.T) string {
		return socket(t, func(c net.Conn, _ <-chan struct{}) { _, _ = io.WriteString(c, "220 mail.example ESMTP\r\n") })
	}},
	{"answers 503", true, func(t *testing.T) string {
		return answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusServiceUnavailable)
		})
	}},
	{"answers 400 at length", true, func(t *testing.T) string {
		return answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, strings.Repeat("no\xff ", 1<<18))
		})
	}},
	{"answers for ever", true, func(t *testing.T) string {
		return answering(t, func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, " "); err != nil {
					return
				}
				w.(http.Flusher).Flush()
				time.Sleep(time.Millisecond)
			}
		})
	}},
}

// A bad backend costs its own telemetry and nothing else: Observe returns,
// what waits is bounded, what is lost is counted where it can be seen, the log
// has one line of each kind, and Shutdown keeps its deadline.
func TestBadBackends(t *testing.T) {
	for _, protocol := range []string{protocolHTTP, protocolGRPC} {
		for _, tt := range badBackends {
			if tt.http && protocol == protocolGRPC {
				continue
			}
			before := runtime.NumGoroutine()
			t.Run(protocol+" "+tt.name, func(t *testing.T) { testBadBackend(t, protocol, tt.start) })
			eventually(t, "all goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
		}
	}
}

func testBadBackend(t *testing.T, protocol string, start func(t *testing.T) string) {
	clearEnv(t)
	for name, value := range map[string]string{
		"OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "50", "OTEL_BSP_SCHEDULE_DELAY": "5", "OTEL_BSP_EXPORT_TIMEOUT": "50",
		"OTEL_METRIC_EXPORT_INTERVAL": "20", "OTEL_METRIC_EXPORT_TIMEOUT": "50",
	} {
		t.Setenv(name, value)
	}
	var log lockedBuffer
	addr := start(t)
	tel, err := New(t.Context(), Config{
		Endpoint: "http://" + addr, Protocol: protocol, Prometheus: true,
		ShutdownTimeout: 200 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	q := tel.spans.queue
	observe := func() {
		rec := streamed()
		rec.Trace = tel.Tracer().Begin("", "")
		tel.Observe(rec)
		if n := q.pending.Load(); n > q.limit {
			t.Fatalf("%d spans wait, in a queue of %d", n, q.limit)
		}
	}
	for range 1000 {
		observe()
	}
	eventually(t, "exports of both signals to fail, and the queue to overflow", func() bool {
		observe()
		failed := tel.problems.failures()
		return failed[kindTraces] > 1 && failed[kindMetrics] > 1 && q.full.Load() > 0
	})
	page := scrape(t, tel)
	for _, want := range []string{
		`tokenomics_otel_spans_dropped_total{tokenomics_reason="queue_full"} `, `tokenomics_otel_spans_dropped_total{tokenomics_reason="export_failed"} `,
		`tokenomics_otel_export_failures_total{tokenomics_signal="traces"} `, `tokenomics_otel_export_failures_total{tokenomics_signal="metrics"} `,
	} {
		if !strings.Contains(page, want) || strings.Contains(page, want+"0\n") {
			t.Errorf("/metrics does not show %s", want)
		}
	}
	for _, message := range []string{"exporting traces failed", "exporting metrics failed", "the queue to the backend is full"} {
		if n := strings.Count(log.String(), message); n != 1 {
			t.Errorf("%q logged %d times:\n%s", message, n, log.String())
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- tel.Shutdown(context.Background()) }()
	select {
	case err = <-ended:
	case <-time.After(patience):
		t.Fatal("Shutdown does not return")
	}
	if err == nil || !strings.Contains(err.Error(), "flushing metrics") {
		t.Errorf("Shutdown: %v", err)
	}
	observe() // must do nothing, and be counted
	eventually(t, "every span to be accounted for", func() bool {
		return q.made.Load() == q.exported.Load()+q.full.Load()+q.failed.Load()+q.late.Load()
	})
	for line := range strings.Lines(log.String()) {
		if len(line) > 1000 {
			t.Errorf("a line of %d bytes: %.100s", len(line), line)
		}
	}
	if !strings.Contains(log.String(), "in_all=") {
		t.Errorf("the log does not say how much was not logged:\n%s", log.String())
	}
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// What a backend takes in part is lost in part.
func TestPartialSuccess(t *testing.T) {
	for _, tt := range []struct {
		rejected int64
		message  string
		lost     int64
		log      string
	}{
		{1, "too\nold", 1, "exporting traces failed"},
		{7, "too many", 2, "exporting traces failed"},
		{0, "deprecated (9 spans rejected) ", 0, "with a remark"},
	} {
		clearEnv(t)
		t.Setenv("OTEL_METRICS_EXPORTER", "none")
		addr := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			b, err := proto.Marshal(&collectortrace.ExportTraceServiceResponse{
				PartialSuccess: &collectortrace.ExportTracePartialSuccess{RejectedSpans: tt.rejected, ErrorMessage: tt.message},
			})
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Type", "application/x-protobuf")
			_, _ = w.Write(b)
		})
		var log lockedBuffer
		tel, err := New(t.Context(), Config{Endpoint: "http://" + addr, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		rec := streamed()
		rec.Trace = tel.Tracer().Begin("", "")
		tel.Observe(rec)
		err = tel.Shutdown(t.Context())
		if got := tel.SpansDropped()["export_failed"]; got != tt.lost || (err == nil) != (tt.lost == 0) || !strings.Contains(log.String(), tt.log) {
			t.Errorf("%+v: %d spans lost, %v, log %s", tt, got, err, log.String())
		}
		if want := fmt.Sprintf("%d spans lost", tt.lost); tt.lost > 0 && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
