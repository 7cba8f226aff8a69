package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// simProcess is "tokenomics sim" in a process of its own, so that neither its
// work nor its garbage is ours.
type simProcess struct {
	url   string // of the server
	truth string // the file of its truth log

	cmd    *exec.Cmd
	cancel context.CancelFunc
	words  *firstLine
}

const (
	simStart = 10 * time.Second // bounds the time until it serves
	simStop  = 10 * time.Second // bounds the time until it has ended; then it is killed
)

// startSimProcess starts program as a simulator that keeps its truth log in
// dir. It ends with ctx, and by itself after life.
func startSimProcess(ctx context.Context, program, dir string, life time.Duration, args ...string) (*simProcess, error) {
	ctx, cancel := context.WithCancel(ctx)
	s := &simProcess{truth: filepath.Join(dir, "truth.jsonl"), cancel: cancel, words: &firstLine{came: make(chan string, 1)}}
	args = append([]string{
		"sim", "--listen", "127.0.0.1:0", "--truth", s.truth,
		"--stop-after", (life + simStart).String(), "--drain-timeout", "1s",
	}, args...)
	s.cmd = exec.CommandContext(ctx, program, args...)
	s.cmd.Stderr, s.cmd.Env = s.words, withoutOurs(os.Environ())
	s.cmd.Cancel = func() error {
		if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
			return s.cmd.Process.Kill() // where there is no such signal
		}
		return nil
	}
	s.cmd.WaitDelay = simStop
	if err := s.cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("starting the simulator: %w", err)
	}
	select {
	case line := <-s.words.came:
		if _, rest, ok := strings.Cut(line, "http://"); ok {
			addr, _, _ := strings.Cut(rest, " ")
			s.url = "http://" + addr
			return s, nil
		}
	case <-time.After(simStart):
	case <-ctx.Done():
	}
	_, err := s.stop()
	return nil, errors.Join(fmt.Errorf("the simulator did not start: %s", s.words), err)
}

// stop ends the simulator and says what it has used of the cores.
func (s *simProcess) stop() (cpu time.Duration, err error) {
	s.cancel()
	if err := s.cmd.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return 0, fmt.Errorf("stopping the simulator: %w", err)
	}
	state := s.cmd.ProcessState
	return state.UserTime() + state.SystemTime(), nil
}

// withoutOurs is an environment without the variables that set our flags.
func withoutOurs(environ []string) (rest []string) {
	for _, v := range environ {
		if !strings.HasPrefix(v, "TOKENOMICS_") {
			rest = append(rest, v)
		}
	}
	return rest
}

// firstLine passes on the first line written to it, and keeps a little of what
// came for when something is wrong.
type firstLine struct {
	came chan string // has room for the one line

	mu   sync.Mutex // protects the rest
	kept bytes.Buffer
	told bool
}

// maxKept bounds what is kept of a process's words.
const maxKept = 4 << 10

// Write takes everything.
func (f *firstLine) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept.Write(p[:min(len(p), maxKept-f.kept.Len())])
	if line, _, ok := strings.Cut(f.kept.String(), "\n"); ok && !f.told {
		f.told = true
		f.came <- line
	}
	return len(p), nil
}

func (f *firstLine) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.TrimSpace(f.kept.String())
}
