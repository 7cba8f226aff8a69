package otel

import (
	"log/slog"
	"sync"
	"time"
)

// problems counts and logs what goes wrong while exporting, each kind at most
// once in problemEvery: a dead backend must not fill the log of who runs us.
type problems struct {
	log *slog.Logger
	now func() time.Time

	mu    sync.Mutex // protects kinds
	kinds map[string]*problem
}

type problem struct {
	total  int64
	logged time.Time
	silent int64 // since it was last logged
}

const problemEvery = time.Minute

func newProblems(log *slog.Logger) *problems {
	return &problems{log: log, now: time.Now, kinds: make(map[string]*problem)}
}

// report takes one failure of a kind. The kinds are few and ours.
func (p *problems) report(kind, what string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.kinds[kind]
	if k == nil {
		k = new(problem)
		p.kinds[kind] = k
	}
	k.total++
	now := p.now()
	if !k.logged.IsZero() && now.Sub(k.logged) < problemEvery {
		k.silent++
		return
	}
	p.log.Warn(what, "error", err, "not_logged_since_the_last_time", k.silent)
	k.logged, k.silent = now, 0
}

// failures is how often each kind has failed.
func (p *problems) failures() map[string]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	totals := make(map[string]int64, len(p.kinds))
	for kind, k := range p.kinds {
		totals[kind] = k.total
	}
	return totals
}
