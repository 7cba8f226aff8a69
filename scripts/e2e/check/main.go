// Command check compares, for the end-to-end script, what a client saw, what
// the proxy recorded, what the load generator reported, what the engine counted
// and what the telemetry backends were told. Every comparison is exact.
//
//	check bytes    -engine URL -proxy URL -model M -log FILE [-probes embeddings]
//	check client   -log FILE -id ID -answer FILE
//	check sums     -results FILE -requests FILE -log FILE [-metrics URL]
//	check engine   -before FILE -after FILE -log FILE -from LINE
//	check traces   -jaeger URL -service NAME -log FILE
//	check metrics  -victoria URL -service NAME -log FILE
//
// FILE of -log is what the proxy wrote for --log-requests. Exit code 0: all is
// equal; 1: something is not, and what; 2: wrong use.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// options are the flags of all subcommands.
type options struct {
	engine, proxy, model, probes  string
	log, id, answer               string
	results, requests, metricsURL string
	before, after                 string
	from                          int
	jaeger, victoria, service     string
	patience                      time.Duration
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	checks := map[string]func(*options) (string, error){
		"bytes": checkBytes, "client": checkClient, "sums": checkSums,
		"engine": checkEngine, "traces": checkTraces, "metrics": checkMetrics,
	}
	if len(args) == 0 || checks[args[0]] == nil {
		fmt.Fprintln(stderr, "check: name one of bytes, client, sums, engine, traces, metrics")
		return 2
	}
	o := new(options)
	fs := flag.NewFlagSet("check "+args[0], flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.engine, "engine", "", "base `URL` of the engine")
	fs.StringVar(&o.proxy, "proxy", "", "base `URL` of the proxy")
	fs.StringVar(&o.model, "model", "", "model to ask for")
	fs.StringVar(&o.probes, "probes", "text", "what kind of server -engine is: text or embeddings")
	fs.StringVar(&o.log, "log", "", "the proxy's JSON lines")
	fs.StringVar(&o.id, "id", "", "a request's X-Request-Id")
	fs.StringVar(&o.answer, "answer", "", "what a client printed")
	fs.StringVar(&o.results, "results", "", "the load generator's results")
	fs.StringVar(&o.requests, "requests", "", "the load generator's JSON lines")
	fs.StringVar(&o.metricsURL, "metrics", "", "`URL` of the proxy's Prometheus metrics")
	fs.StringVar(&o.before, "before", "", "the engine's metrics before")
	fs.StringVar(&o.after, "after", "", "the engine's metrics after")
	fs.IntVar(&o.from, "from", 0, "lines of -log to leave out")
	fs.StringVar(&o.jaeger, "jaeger", "", "base `URL` of Jaeger's query API")
	fs.StringVar(&o.victoria, "victoria", "", "base `URL` of VictoriaMetrics")
	fs.StringVar(&o.service, "service", "", "service.name of the telemetry")
	fs.DurationVar(&o.patience, "patience", 20*time.Second, "how long what is on its way may take to arrive")
	if err := fs.Parse(args[1:]); err != nil {
		return 2
	}
	said, err := checks[args[0]](o)
	if err != nil {
		fmt.Fprintf(stderr, "check %s: %s\n", args[0], strings.TrimSpace(err.Error()))
		return 1
	}
	fmt.Fprintf(stdout, "check %s: %s\n", args[0], said)
	return 0
}

// eventually repeats check until it passes: a Record is written, scraped and
// exported a little after its client has the answer. The last error tells.
func eventually(patience time.Duration, check func() error) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		err := check()
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}
