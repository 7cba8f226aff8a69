package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"tokenomics/internal/export"
	"tokenomics/internal/record"
	"tokenomics/internal/results"
)

// What --save-as takes.
const (
	asVLLM   = "vllm"
	asAIPerf = "aiperf"
	asPython = "tokenomics-py"
)

var exportFormats = []string{asVLLM, asAIPerf, asPython}

// saver keeps what other tools' formats need of each request, and writes them.
type saver struct {
	formats []string
	id      string // that the requests' ids begin with

	mu   sync.Mutex                  // protects runs
	runs map[string][]*record.Record // by point and run, as in their ids
}

// saver is nil where no other format was asked for.
func (p *loadgenPlan) saver(id string) *saver {
	if len(p.saveAs) == 0 {
		return nil
	}
	return &saver{formats: p.saveAs, id: id, runs: map[string][]*record.Record{}}
}

// observe keeps a Record.
func (s *saver) observe(r *record.Record) {
	if s == nil {
		return
	}
	rest := strings.TrimPrefix(r.RequestID, s.id+"-")
	run := rest[:max(0, strings.LastIndexByte(rest, '-'))]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs[run] = append(s.runs[run], r)
}

// write writes what was kept beside the results file, and says which files.
func (s *saver) write(file *results.Results, beside string) (paths []string, err error) {
	if s == nil {
		return nil, nil
	}
	base := strings.TrimSuffix(beside, filepath.Ext(beside))
	for i := range file.Results {
		p := &file.Results[i]
		var runs []export.Run
		for k := range p.Runs {
			r := &p.Runs[k]
			runs = append(runs, export.Run{Metadata: file.Metadata, Point: p, Run: r, Records: s.runs[p.Name+"-"+strconv.Itoa(r.Run)]})
		}
		for _, f := range s.files(base, p, runs) {
			if err := writeWhole(f.path, f.write); err != nil {
				return paths, err
			}
			paths = append(paths, f.path)
		}
	}
	return paths, nil
}

// exported is one file of another format.
type exported struct {
	path  string
	write func(io.Writer) error
}

// files are those of one point.
func (s *saver) files(base string, p *results.Point, runs []export.Run) (list []exported) {
	add := func(run int, ending string, write func(io.Writer) error) {
		path := fmt.Sprintf("%s-%s", base, p.Name)
		if run > 0 {
			path += fmt.Sprintf("-run%d", run)
		}
		list = append(list, exported{path + ending, write})
	}
	for _, r := range runs {
		if slices.Contains(s.formats, asVLLM) {
			add(r.Run.Run, ".vllm.json", func(w io.Writer) error { return export.VLLM(w, r) })
		}
		if slices.Contains(s.formats, asAIPerf) {
			add(r.Run.Run, ".profile_export.jsonl", func(w io.Writer) error { return export.AIPerfRecords(w, r) })
			add(r.Run.Run, ".profile_export_aiperf.json", func(w io.Writer) error { return export.AIPerfSummary(w, r) })
		}
	}
	if slices.Contains(s.formats, asPython) {
		add(0, ".tokenomics-py.json", func(w io.Writer) error { return export.TokenomicsPy(w, runs) })
	}
	return list
}

// writeWhole writes a file whole or not at all.
func writeWhole(path string, write func(io.Writer) error) error {
	out, err := results.NewOutFile(path)
	if err == nil {
		err = out.Write(write)
	}
	return err
}
