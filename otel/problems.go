package otel

import (
	"log/slog"
	"strings"
	"sync"
	"time"
)

// The kinds of problems. Those of exports are the signals that they are of.
const (
	kindTraces  = "traces"
	kindMetrics = "metrics"
	kindQueue   = "queue"
	kindScrape  = "scrape"
	kindSDK     = "sdk"
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
	what   string // as it was last told
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
	k.what = what
	now := p.now()
	if !k.logged.IsZero() && now.Sub(k.logged) < problemEvery {
		k.silent++
		return
	}
	p.log.Warn(what, "error", clip(err), "not_logged_since_the_last_time", k.silent)
	k.logged, k.silent = now, 0
}

// summary logs what has not been logged, when there will be no next time.
func (p *problems) summary() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.kinds {
		if k.silent > 0 {
			p.log.Warn(k.what, "not_logged_since_the_last_time", k.silent, "in_all", k.total)
			k.silent = 0
		}
	}
}

// clip bounds an error's text: a backend's whole answer may be in it.
func clip(err error) string {
	const most = 500
	text := strings.ToValidUTF8(err.Error(), "\uFFFD")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// failures is how often the exports of each signal have failed.
func (p *problems) failures() map[string]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	totals := make(map[string]int64, 2)
	for _, signal := range []string{kindTraces, kindMetrics} {
		if k := p.kinds[signal]; k != nil {
			totals[signal] = k.total
		}
	}
	return totals
}
