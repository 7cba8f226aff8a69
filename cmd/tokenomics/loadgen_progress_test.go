package main

import (
	"strings"
	"sync"
	"testing"
	"time"

	"tokenomics/internal/record"
)

// TestWarningsDoNotMixWithProgress: whoever warns while a run is being shown
// waits for the line. The race detector sees it otherwise.
func TestWarningsDoNotMixWithProgress(t *testing.T) {
	var out strings.Builder
	notes := &loadgenNotes{w: &out}
	g := newLoadgenProgress(t.Context(), &out, notes, &loadgenPlan{loadgenFlags: new(loadgenFlags)}, new(record.Live))
	g.Begin("8", 1, 100)
	var both sync.WaitGroup
	both.Go(func() {
		for range 100 {
			g.mu.Lock()
			g.look(time.Now())
			g.mu.Unlock()
		}
	})
	both.Go(func() {
		for range 100 {
			notes.Warning("somebody else uses it")
		}
	})
	both.Wait()
	g.close()
	notes.Warning("it is over")
	if n := strings.Count(out.String(), "\n"); n != 201 || len(notes.texts) != 101 {
		t.Errorf("%d lines and %d notes", n, len(notes.texts))
	}
}
