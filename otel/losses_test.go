package otel

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// stuck is an exporter that takes nothing until it is let go.
type stuck struct {
	entered chan struct{}
	release chan error
}

func (s stuck) ExportSpans(ctx context.Context, _ []sdktrace.ReadOnlySpan) error {
	select {
	case s.entered <- struct{}{}:
	default:
	}
	select {
	case err := <-s.release:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (stuck) Shutdown(context.Context) error { return nil }

func TestEverySpanIsAccountedFor(t *testing.T) {
	clearEnv(t)
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10")
	t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2")
	e := stuck{make(chan struct{}, 1), make(chan error)}
	p := newProblems(slog.New(slog.DiscardHandler))
	q := newSpanQueue(e, p)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(q))
	tracer := provider.Tracer("test")
	span := func() {
		_, s := tracer.Start(context.Background(), "s")
		s.End()
	}
	for range 15 {
		span()
	}
	<-e.entered
	if got := q.full.Load(); got != 5 {
		t.Errorf("%d spans dropped by a full queue, want 5", got)
	}
	e.release <- errors.New("refused") // the first batch of two
	e.release <- nil                   // the second
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := provider.Shutdown(ctx)
	if err == nil || !strings.Contains(err.Error(), "6 spans lost") {
		t.Errorf("Shutdown: %v, want 6 spans lost", err)
	}
	if q.exported.Load() != 2 || q.failed.Load() < 2 {
		t.Errorf("exported %d, failed %d", q.exported.Load(), q.failed.Load())
	}
	q.OnEnd(nil)
	if got := q.drops()["shut_down"]; got != 1 {
		t.Errorf("%d spans after Shutdown, want 1", got)
	}
	if got := p.failures()["traces"]; got < 1 {
		t.Errorf("%d failed exports counted", got)
	}
}

func TestProblemsAreLoggedOnceAMinute(t *testing.T) {
	var log bytes.Buffer
	p := newProblems(slog.New(slog.NewTextHandler(&log, nil)))
	now := start
	p.now = func() time.Time { return now }
	for range 5 {
		p.report("traces", "exporting traces failed", errors.New("refused"))
		now = now.Add(problemEvery / 4)
	}
	p.report("metrics", "exporting metrics failed", errors.New("refused"))
	if got := strings.Count(log.String(), "exporting traces failed"); got != 2 {
		t.Errorf("traces logged %d times, want 2:\n%s", got, log.String())
	}
	if !strings.Contains(log.String(), "not_logged_since_the_last_time=3") || strings.Count(log.String(), "exporting metrics failed") != 1 {
		t.Errorf("log:\n%s", log.String())
	}
	if got := p.failures(); got["traces"] != 5 || got["metrics"] != 1 {
		t.Errorf("counted %v", got)
	}
}
