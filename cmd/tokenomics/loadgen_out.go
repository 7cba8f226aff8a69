package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"tokenomics/internal/results"
)

// toStdout is what a file is called that is standard output.
const toStdout = "-"

// stdoutNames are what else it is called.
var stdoutNames = []string{"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}

// nameStdout settles which outputs are standard output.
func (f *loadgenFlags) nameStdout() {
	for _, path := range []*string{&f.resultsFile, &f.requestsFile, &f.proxy.logRequests} {
		if slices.Contains(stdoutNames, *path) {
			*path = toStdout
		}
	}
}

// resultsOut is where results are written, whole or not at all as far as that
// can be.
type resultsOut interface {
	Write(write func(io.Writer) error) error
}

// stream is an output that is no file.
type stream struct{ w io.Writer }

func (s stream) Write(write func(io.Writer) error) error { return write(s.w) }

var (
	_ resultsOut = (*results.OutFile)(nil)
	_ resultsOut = stream{}
)

// nameResults is what a results file is called that was given no name.
func nameResults() string { return "results-" + time.Now().Format("20060102-150405") + ".json" }

// openResults finds out whether the results can be written, and beside which
// file those in other formats go: beside standard output or a device there is no
// place.
func (p *loadgenPlan) openResults(e *env) (out resultsOut, err error) {
	if p.resultsFile == "" {
		p.resultsFile = nameResults()
	}
	p.beside = p.resultsFile
	if p.resultsFile == toStdout {
		p.beside = nameResults()
		return stream{e.stdout}, nil
	}
	file, err := results.NewOutFile(p.resultsFile)
	if err != nil {
		return nil, runError(fmt.Errorf("--results-file: %w", err))
	}
	if file.Special() {
		p.beside = nameResults()
	}
	return file, nil
}

// resultsName is what to call the results file in a sentence.
func (p *loadgenPlan) resultsName() string {
	if p.resultsFile == toStdout {
		return "standard output"
	}
	return p.resultsFile
}

// words is where the table goes: standard output, unless that carries JSON.
func (s *loadgenSession) words() io.Writer {
	if slices.Contains([]string{s.plan.resultsFile, s.plan.requestsFile, s.plan.proxy.logRequests}, toStdout) {
		return s.env.stderr
	}
	return s.env.stdout
}
