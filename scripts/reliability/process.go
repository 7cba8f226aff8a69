package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is the proxy that is tested.
type process struct {
	cmd     *exec.Cmd
	addr    string // that clients connect to
	admin   string // of /metrics
	records chan error
	exited  chan error
	stderr  *tail
}

// tail keeps the last of what was written, for when something goes wrong.
type tail struct{ lines []string }

func (t *tail) add(line string) {
	t.lines = append(t.lines, line)
	t.lines = t.lines[max(0, len(t.lines)-20):]
}

// findProxy is the program to test: the one named, or one that is built.
func findProxy(ctx context.Context, path, dir string) (string, error) {
	if path != "" {
		return filepath.Abs(path)
	}
	out := filepath.Join(dir, "tokenomics")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, "tokenomics/cmd/tokenomics")
	if b, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the proxy: %w: %s", err, b)
	}
	return out, nil
}

// knows says whether the program has a flag of that name.
func knows(program, flag string) bool {
	out, err := exec.Command(program, "proxy", "--help").CombinedOutput()
	return err == nil && bytes.Contains(out, []byte(flag))
}

var banner = regexp.MustCompile(`(tokenomics proxy|admin): https?://([0-9.:]+)`)

// startProxy starts the program in front of upstream. Its Records go to take,
// line by line, by way of its standard output.
func startProxy(program, upstream string, records func(io.Reader) error, args ...string) (*process, error) {
	all := append([]string{"proxy", "--upstream", "http://" + upstream, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
		"--log-requests", "-", "--quiet", "--drain-timeout", "15s"}, relayable(args)...)
	p := &process{cmd: exec.Command(program, all...), records: make(chan error, 1), exited: make(chan error, 1), stderr: new(tail)}
	detach(p.cmd)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	ready := make(chan struct{})
	told := make(chan struct{})
	go p.listen(stderr, ready, told)
	go func() { p.records <- records(stdout) }()
	go func() {
		err := <-p.records
		<-told
		p.records <- err
		p.exited <- p.cmd.Wait()
	}()
	select {
	case <-ready:
		return p, nil
	case <-told:
		return nil, fmt.Errorf("%s did not start: %s", program, strings.Join(p.stderr.lines, "; "))
	case <-time.After(15 * time.Second):
		p.cmd.Process.Kill()
		return nil, fmt.Errorf("%s does not say within 15 s where it listens", program)
	}
}

// relayable is args without --loop on where clients are to speak TLS: there is no
// loop for that, and asking for one is wrong use.
func relayable(args []string) []string {
	at := slices.Index(args, "--loop")
	if at < 0 || at+1 == len(args) || args[at+1] != "on" || !slices.Contains(args, "--tls-cert") {
		return args
	}
	return slices.Delete(slices.Clone(args), at, at+2)
}

// listen reads the proxy's messages, and where it listens from the first.
func (p *process) listen(stderr io.Reader, ready, told chan struct{}) {
	defer close(told)
	s := bufio.NewScanner(stderr)
	s.Buffer(make([]byte, 64<<10), lineLimit)
	for s.Scan() {
		p.stderr.add(s.Text())
		if ready == nil {
			continue
		}
		if m := banner.FindStringSubmatch(s.Text()); m != nil && m[1] == "admin" {
			p.admin = m[2]
		} else if m != nil {
			p.addr = m[2]
		}
		if p.addr != "" && p.admin != "" {
			close(ready)
			ready = nil
		}
	}
}

// stop asks the proxy to end and waits until it has, and until every Record
// has been read. It is nil where the proxy says that all went well.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-p.exited:
		if err != nil {
			return fmt.Errorf("the proxy: %w: %s", err, strings.Join(p.stderr.lines, "; "))
		}
		return <-p.records
	case <-time.After(30 * time.Second):
		p.cmd.Process.Kill()
		return errors.New("the proxy did not stop within 30 s and was killed")
	}
}

// usage is what a process holds at a moment.
type usage struct {
	RSS        int64 `json:"rss_bytes"`
	Threads    int   `json:"threads"`
	FDs        int   `json:"descriptors"`
	Goroutines int   `json:"goroutines,omitempty"` // 0 where the proxy does not tell
}

// usage reads it, goroutines from the proxy's own metrics.
func (p *process) usage() (u usage, err error) {
	dir := fmt.Sprintf("/proc/%d", p.cmd.Process.Pid)
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return u, fmt.Errorf("reading what the proxy uses: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(f[1], 10, 64) // lines of words are not looked at
		switch f[0] {
		case "VmRSS:":
			u.RSS = n << 10
		case "Threads:":
			u.Threads = int(n)
		}
	}
	fds, err := os.ReadDir(dir + "/fd")
	if err != nil {
		return u, fmt.Errorf("counting the proxy's descriptors: %w", err)
	}
	u.FDs = len(fds)
	u.Goroutines, err = p.goroutines()
	return u, err
}

var metricsClient = http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func (p *process) goroutines() (int, error) {
	resp, err := metricsClient.Get("http://" + p.admin + "/metrics")
	if err != nil {
		return 0, fmt.Errorf("reading the proxy's metrics: %w", err)
	}
	defer resp.Body.Close()
	s := bufio.NewScanner(resp.Body)
	s.Buffer(nil, lineLimit)
	for s.Scan() {
		if n, ok := strings.CutPrefix(s.Text(), "go_goroutines "); ok {
			return strconv.Atoi(n)
		}
	}
	return 0, s.Err()
}
