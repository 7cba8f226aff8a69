package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tokenomics/internal/report"
	"tokenomics/internal/results"
	"tokenomics/internal/stats"
)

// reportOptions are the options of "tokenomics report" as they were given.
type reportOptions struct {
	output string
	format string
	slo    string
	panels int
}

const reportExamples = `  # a page to open in a browser
  tokenomics report results.json -o report.html

  # two engines in one page, with the bound that decides between them
  tokenomics report vllm.json sglang.json --slo ttft_p99=500ms -o report.html

  # six panels, or the two of throughput, for a chat message
  tokenomics report results.json -o chart.png
  tokenomics report results.json -o chart.svg --panels 2

  # a table for a spreadsheet, and one for a pull request
  tokenomics report results.json -o table.csv
  tokenomics report results.json -o - --format md`

// newReportCmd is "tokenomics report".
func newReportCmd(e *env) *cobra.Command {
	o := new(reportOptions)
	cmd := &cobra.Command{
		Use:   "report RESULT...",
		Short: "Make results files into a page, charts or a table",
		Long: `Makes results files of tokenomics loadgen into something to look at. Several are
laid over each other, named by their descriptions where each has its own.

What is made is known by the name of -o:

  .html        one self-contained page: throughput against latency with the knee,
               distributions, time line, where the time went, cost, warnings, tables
  .png .svg    panels, as users of batch sweeps know them
  .csv         a line per point, every figure, empty where it is not known
  .md          a table per file

Exit code: 0 good, 2 wrong use, as with a file that is not there, 3 could not write.`,
		Example: reportExamples,
		RunE: func(_ *cobra.Command, args []string) error {
			return o.do(e, args)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&o.output, "output", "o", "", "`file` to write: .html, .png, .svg, .csv or .md; - for standard output")
	fs.StringVar(&o.format, "format", "", "what to write, where the name of -o does not say: html, png, svg, csv, md (default for -: csv)")
	fs.StringVar(&o.slo, "slo", "", "bounds to draw and to find the knee by, a `list` such as ttft_p99=500ms,tpot_p99=50ms\n(default: what the files were measured against, where that is the same)")
	fs.IntVar(&o.panels, "panels", 6, "panels of a .png or .svg: 6, or 2 for throughput alone")
	return cmd
}

// reportFormats write what is read, by the end of a file's name.
var reportFormats = map[string]func(w io.Writer, files []report.Named, bounds []stats.Bound, panels int) error{
	"html": func(w io.Writer, files []report.Named, bounds []stats.Bound, _ int) error {
		return report.HTML(w, files, bounds)
	},
	"png": func(w io.Writer, files []report.Named, bounds []stats.Bound, panels int) error {
		return report.Chart(w, report.PNG, files, bounds, panels)
	},
	"svg": func(w io.Writer, files []report.Named, bounds []stats.Bound, panels int) error {
		return report.Chart(w, report.SVG, files, bounds, panels)
	},
	"csv": func(w io.Writer, files []report.Named, _ []stats.Bound, _ int) error { return report.CSV(w, files) },
	"md": func(w io.Writer, files []report.Named, _ []stats.Bound, _ int) error {
		return report.Markdown(w, files)
	},
}

func (o *reportOptions) do(e *env, paths []string) error {
	write, bounds, err := o.check(paths)
	if err != nil {
		return usageError(err)
	}
	var files []report.Named
	for _, path := range paths {
		r, err := results.Read(path)
		if err != nil {
			return usageError(err)
		}
		if len(r.Results) == 0 {
			return usageError(fmt.Errorf("%q has no points to report on", path))
		}
		name := filepath.Base(path)
		files = append(files, report.Named{Name: strings.TrimSuffix(name, filepath.Ext(name)), Results: r})
	}
	if o.slo == "" {
		if bounds, err = ownBounds(files); err != nil {
			return runError(err)
		}
	}
	if o.output == "-" {
		if err := write(e.stdout, files, bounds, o.panels); err != nil {
			return runError(err)
		}
		return nil
	}
	out, err := results.NewOutFile(o.output)
	if err != nil {
		return runError(err)
	}
	if err := out.Write(func(w io.Writer) error { return write(w, files, bounds, o.panels) }); err != nil {
		return runError(err)
	}
	fmt.Fprintf(e.stderr, "Report: %s\n", o.output)
	return nil
}

// ownBounds are those that the files were measured against, where that is one
// and the same.
func ownBounds(files []report.Named) ([]stats.Bound, error) {
	slo := files[0].Results.Metadata.SLO
	for _, f := range files {
		if f.Results.Metadata.SLO != slo {
			return nil, nil
		}
	}
	if slo == "" {
		return nil, nil
	}
	bounds, err := stats.ParseBounds(slo)
	if err != nil {
		return nil, fmt.Errorf("reading the bounds that %q was measured against: %w", files[0].Name, err)
	}
	return bounds, nil
}

// check settles what is to be written, before anything is read.
func (o *reportOptions) check(paths []string) (write func(io.Writer, []report.Named, []stats.Bound, int) error, bounds []stats.Bound, err error) {
	if len(paths) == 0 {
		return nil, nil, errors.New("no results file: give one or more that tokenomics loadgen has written")
	}
	if o.output == "" {
		return nil, nil, errors.New("nowhere to write: add -o report.html (or .png, .svg, .csv, .md)")
	}
	format := o.format
	if format == "" {
		format = strings.TrimPrefix(strings.ToLower(filepath.Ext(o.output)), ".")
		if o.output == "-" {
			format = "csv"
		}
	}
	write, known := reportFormats[format]
	if !known {
		return nil, nil, fmt.Errorf("can't tell what to write to %q: end its name in .html, .png, .svg, .csv or .md, or say it with --format", o.output)
	}
	if o.panels != 2 && o.panels != 6 {
		return nil, nil, fmt.Errorf("--panels %d: give 2 or 6", o.panels)
	}
	if o.slo == "" {
		return write, nil, nil
	}
	if bounds, err = stats.ParseBounds(o.slo); err != nil {
		return nil, nil, fmt.Errorf("--slo: %w", err)
	}
	return write, bounds, nil
}
