// Command reliability measures, from outside, whether `tokenomics proxy` is as
// unbreakable as it says: it runs the program between an engine and clients of
// its own, over raw sockets, has both misbehave, and compares what the clients
// saw, what the engine got and what the proxy recorded.
//
//	reliability soak        mixed traffic with faults on both sides: one Record each, no foreign byte, no leak
//	reliability churn       thousands of connections opened and broken off a second, at every point: no foreign byte
//	reliability aborts      how fast the engine learns that a client has left
//	reliability idle-close  an engine that closes idle connections, as a request arrives too
//	reliability restart     an engine that restarts: only what is in flight is lost
//	reliability streams     a million short streams at 64 connections, each byte checked
//	reliability all         one after the other
//
// Everything happens on the loopback interface. Exit code 0: every bar is met;
// 1: one is not, and which; 2: wrong use; 3: could not run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// options are the flags of all measurements.
type options struct {
	proxy    string
	program  string // the proxy's, found or built
	dir      string // for what is made on the way
	duration time.Duration
	seed     uint64
	conns    int
	pace     time.Duration
	faults   float64

	aborts   int
	streams  int
	restarts int
	against  string
	listen   string
	records  bool
	loop     string // who is to relay: the proxy's --loop

	json      string
	markdown  bool
	update    string
	tls       bool
	proxyArgs []string
}

// loopAuto is the proxy's own choice.
const loopAuto = "auto"

type measurement struct {
	name string
	run  func(context.Context, *options) (*report, error)
}

var measurements = []measurement{
	{"soak", runSoak},
	{"churn", runChurn},
	{"aborts", runAborts},
	{"idle-close", runIdleClose},
	{"restart", runRestart},
	{"streams", runStreams},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	chosen := choose(args)
	if chosen == nil {
		fmt.Fprintln(stderr, "reliability: name one of soak, churn, aborts, idle-close, restart, streams, all")
		return 2
	}
	o := new(options)
	fs := flags(o, args[0], stderr)
	if err := fs.Parse(args[1:]); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	o.proxyArgs = fs.Args()
	if o.loop != loopAuto { // a proxy that has no choice knows no such flag
		o.proxyArgs = append([]string{"--loop", o.loop}, o.proxyArgs...)
	}
	if err := o.check(); err != nil {
		fmt.Fprintf(stderr, "reliability %s: %v\n", args[0], err)
		return 2
	}
	reports, err := o.measure(ctx, chosen, stdout, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "reliability: %v\n", err)
		return 3
	}
	if o.json != "" {
		if err := writeJSON(o.json, reports); err != nil {
			fmt.Fprintf(stderr, "reliability: -json: %v\n", err)
			return 3
		}
	}
	if o.update != "" {
		if err := update(o.update, reports); err != nil {
			fmt.Fprintf(stderr, "reliability: -update: %v\n", err)
			return 3
		}
	}
	for _, r := range reports {
		if !r.met() {
			return 1
		}
	}
	return 0
}

func choose(args []string) []measurement {
	if len(args) == 0 {
		return nil
	}
	if args[0] == "all" {
		return measurements
	}
	for _, m := range measurements {
		if m.name == args[0] {
			return []measurement{m}
		}
	}
	return nil
}

func flags(o *options, name string, stderr io.Writer) *flag.FlagSet {
	fs := flag.NewFlagSet("reliability "+name, flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.proxy, "proxy", "", "the tokenomics `program` to test; \"\" = built from this checkout")
	fs.DurationVar(&o.duration, "duration", 2*time.Minute, "of soak, churn and idle-close")
	fs.Uint64Var(&o.seed, "seed", 1, "of everything that is drawn")
	fs.IntVar(&o.conns, "conns", 128, "connections of clients at a time in soak and churn")
	fs.DurationVar(&o.pace, "pace", 30*time.Millisecond, "mean pause of a client between requests in soak")
	fs.Float64Var(&o.faults, "faults", 0.3, "`share` of soak's requests that get a fault; 0 = none at all")
	fs.BoolVar(&o.tls, "tls", false, "have the clients of soak and churn speak TLS")
	fs.StringVar(&o.loop, "loop", loopAuto, "who relays: the proxy's --loop, auto, on or off")
	fs.IntVar(&o.aborts, "aborts", 2000, "aborts in each phase, each over plain sockets, TLS and with pipelined bytes")
	fs.IntVar(&o.streams, "n", 1_000_000, "streams")
	fs.IntVar(&o.restarts, "restarts", 20, "restarts of the engine")
	fs.StringVar(&o.against, "against", "", "`address` of another proxy for streams; it must be in front of -engine")
	fs.StringVar(&o.listen, "engine", loopback, "`address` of the engine for streams")
	fs.BoolVar(&o.records, "records", true, "in streams, have a Record of every stream too")
	fs.StringVar(&o.json, "json", "", "`file` for the reports, for machines")
	fs.BoolVar(&o.markdown, "markdown", false, "print tables of Markdown at the end, instead of text as it goes")
	fs.StringVar(&o.update, "update", "", "`file` whose figures are to be those of this run, such as docs/reliability.md")
	fs.Usage = func() {
		fmt.Fprintf(stderr, "usage: reliability %s [flags] [-- flags of the proxy]\n", name)
		fs.PrintDefaults()
	}
	return fs
}

// check finds what is wrong before anything is started.
func (o *options) check() error {
	switch {
	case o.duration <= 0:
		return fmt.Errorf("-duration %v: give more than 0", o.duration)
	case o.loop != loopAuto && o.loop != "on" && o.loop != "off":
		return fmt.Errorf("-loop %q: give auto, on or off", o.loop)
	case o.against != "" && o.loop != loopAuto:
		return errors.New("-loop is for the proxy that is started, and -against has one that runs")
	case o.conns < 1 || o.conns > 4096:
		return fmt.Errorf("-conns %d: give 1 to 4096", o.conns)
	case !(o.faults >= 0 && o.faults <= 1):
		return fmt.Errorf("-faults %v: give 0 to 1", o.faults)
	case o.aborts < 1 || o.streams < 1 || o.restarts < 1:
		return errors.New("-aborts, -n and -restarts: give 1 or more")
	case o.streams > 100_000_000:
		return fmt.Errorf("-n %d: give up to 100000000", o.streams)
	case o.against != "" && o.listen == loopback:
		return errors.New("-against: give -engine too, the address that the other proxy is in front of")
	}
	return nil
}

// measure runs what was chosen and prints each report when it is there.
func (o *options) measure(ctx context.Context, chosen []measurement, stdout, stderr io.Writer) (reports []*report, err error) {
	if o.dir, err = os.MkdirTemp("", "reliability"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(o.dir)
	if o.against == "" {
		if o.program, err = findProxy(ctx, o.proxy, o.dir); err != nil {
			return nil, err
		}
	}
	for _, m := range chosen {
		if ctx.Err() != nil {
			break
		}
		fmt.Fprintf(stderr, "reliability %s: running\n", m.name)
		r, err := m.run(ctx, o)
		if err != nil {
			return reports, fmt.Errorf("%s: %w", m.name, err)
		}
		r.Cut = ctx.Err() != nil
		if o.against == "" {
			r.Driver = o.loop
		}
		reports = append(reports, r)
		if !o.markdown {
			r.text(stdout)
		}
	}
	if o.markdown {
		fmt.Fprint(stdout, figures(reports))
	}
	return reports, nil
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
