package loadgen

import (
	"time"

	"tokenomics/internal/results"
	"tokenomics/internal/sketch"
)

// tick is how often the tool looks how late its own timers fire: not more often,
// because to be woken costs as much as to read an event.
const tick = 25 * time.Millisecond

// watchOurselves watches what the tool itself is at, until what it returns is
// called with the run that it was watched for.
func watchOurselves() (stop func(*results.MeasuredRun)) {
	began, cpu := time.Now(), cpuTime()
	quit, done := make(chan struct{}), make(chan sketch.Sketch)
	go func() { done <- lag(quit) }()
	return func(m *results.MeasuredRun) {
		close(quit)
		m.Self.Wall, m.Self.CPU, m.Self.Lag = time.Since(began), cpuTime()-cpu, <-done
	}
}

// lag is by how many milliseconds timers on an absolute schedule were late.
func lag(quit <-chan struct{}) (late sketch.Sketch) {
	due := time.Now().Add(tick)
	timer := time.NewTimer(tick)
	defer timer.Stop()
	for {
		select {
		case <-quit:
			return late
		case <-timer.C:
		}
		now := time.Now()
		late.Add(float64(now.Sub(due)) / float64(time.Millisecond))
		for !due.After(now) {
			due = due.Add(tick)
		}
		timer.Reset(time.Until(due))
	}
}
