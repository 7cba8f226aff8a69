package otel

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// spanQueue stands in front of the SDK's batch processor, and behind it as its
// exporter, and counts every span that is lost. The batch processor alone
// drops silently when its queue is full and reports success when it shuts
// down; here no more is let in than it can hold, so that it never drops.
type spanQueue struct {
	batch    sdktrace.SpanProcessor
	exporter sdktrace.SpanExporter
	limit    int64
	problems *problems

	quit     context.Context // ends exports that outlive Shutdown
	abandon  context.CancelFunc
	shutdown sync.Once
	stopped  atomic.Bool

	pending  atomic.Int64 // let in and not yet exported or failed
	made     atomic.Int64
	exported atomic.Int64
	full     atomic.Int64
	failed   atomic.Int64
	late     atomic.Int64 // ended after Shutdown
}

// defaultSpanQueue holds four seconds of 2,000 requests a second, in
// at most 90 MB; the SDK's 2,048 would be half a second.
const defaultSpanQueue = 16384

func newSpanQueue(exporter sdktrace.SpanExporter, p *problems) *spanQueue {
	limit := defaultSpanQueue
	if n, err := strconv.Atoi(env("OTEL_BSP_MAX_QUEUE_SIZE")); err == nil && n > 0 {
		limit = n
	}
	q := &spanQueue{exporter: exporter, limit: int64(limit), problems: p}
	q.quit, q.abandon = context.WithCancel(context.Background())
	q.batch = sdktrace.NewBatchSpanProcessor(spanExport{q}, sdktrace.WithMaxQueueSize(limit))
	return q
}

// OnStart does nothing: spans are made after the fact.
func (q *spanQueue) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd queues a span, or counts it as dropped. It never blocks.
func (q *spanQueue) OnEnd(s sdktrace.ReadOnlySpan) {
	q.made.Add(1)
	switch {
	case q.stopped.Load():
		q.late.Add(1)
	case q.pending.Add(1) > q.limit:
		q.pending.Add(-1)
		q.full.Add(1)
		q.problems.report(kindQueue, "spans are dropped: the queue to the backend is full", errQueueFull)
	default:
		q.batch.OnEnd(s)
	}
}

// ForceFlush exports what is queued.
func (q *spanQueue) ForceFlush(ctx context.Context) error { return q.batch.ForceFlush(ctx) }

// Shutdown exports what is queued until ctx is done. An error says how many
// spans were lost in it.
func (q *spanQueue) Shutdown(ctx context.Context) (err error) {
	q.shutdown.Do(func() {
		q.stopped.Store(true)
		before := q.full.Load() + q.failed.Load() + q.late.Load()
		err = q.batch.Shutdown(ctx)
		q.abandon()
		if lost := q.made.Load() - q.exported.Load() - before - q.late.Load(); lost > 0 {
			cause := err
			if cause == nil {
				cause = errNotTaken
			}
			err = fmt.Errorf("flushing traces: %d spans lost: %w", lost, cause)
		}
	})
	return err
}

// drops is how many spans were lost, by reason.
func (q *spanQueue) drops() map[string]int64 {
	return map[string]int64{"queue_full": q.full.Load(), "export_failed": q.failed.Load(), "shut_down": q.late.Load()}
}

// spanExport is the queue's other end.
type spanExport struct{ q *spanQueue }

// ExportSpans exports a batch. Failures are counted and logged here, so that
// the SDK's global error handler has nothing to tell of them.
func (e spanExport) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	q := e.q
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(q.quit, func() { cancel(errShutDown) })()
	err := q.exporter.ExportSpans(ctx, spans)
	q.pending.Add(-int64(len(spans)))
	lost := rejected(err, len(spans))
	q.exported.Add(int64(len(spans) - lost))
	q.failed.Add(int64(lost))
	switch {
	case lost > 0:
		q.problems.report(kindTraces, "exporting traces failed", fmt.Errorf("%d spans lost: %w", lost, err))
	case err != nil:
		q.problems.report(kindSDK, "the backend took the traces, with a remark", err)
	}
	return nil
}

// partial is how the exporter words a success with rejected spans; the type
// of the error is not ours to see.
var partial = regexp.MustCompile(`(?s)^(?:traces export: )?OTLP partial success: .*\((\d+) spans rejected\)$`)

// rejected is how many of n spans were lost to an export that ended in err.
func rejected(err error, n int) int {
	if err == nil {
		return 0
	}
	if m := partial.FindStringSubmatch(err.Error()); m != nil {
		if said, err := strconv.Atoi(m[1]); err == nil {
			return min(said, n)
		}
	}
	return n
}

// Shutdown closes the exporter.
func (e spanExport) Shutdown(ctx context.Context) error { return e.q.exporter.Shutdown(ctx) }

var (
	_ sdktrace.SpanProcessor = (*spanQueue)(nil)
	_ sdktrace.SpanExporter  = spanExport{}
)
