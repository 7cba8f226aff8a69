// Command bench measures what a reverse proxy costs an LLM token stream, and how
// well a load generator tells its times; run.sh runs it beside other proxies,
// loadgen.sh beside another load generator.
//
//	bench mock    -listen ADDR                       an engine-like SSE server (vLLM-shaped chunks)
//	bench goproxy -listen ADDR -upstream URL         net/http/httputil.ReverseProxy, as a reference
//	bench relay   -listen ADDR -upstream URL         bytes both ways, nothing understood: the floor
//	bench ttfb    -c C -r R TARGET...                added time to first body byte, targets interleaved
//	bench paced   -c C -us US -d SEC TARGET...       CPU-seconds of the proxy per million relayed events
//	bench growth  -c C -us US -d SEC TARGET...       the same as paced, as a line of the table of many such loads
//	bench sat     -c C -n N -d SEC TARGET...         the same with no pause between events
//	bench idle    -c C TARGET...                     memory per open stream that is silent
//	bench watch  -cpu FILE -also PID COMMAND...      runs a client and notes the CPU time of it and the server
//	bench client -name NAME -c C -r R -truth FILE -cpu FILE -result FILE
//	                                                 a client's results beside the simulator's truth
//	bench table                                      medians of the lines above, on standard input
//
// A TARGET is name=addr@pid; pid 0 measures no process. Standard library only.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "bench: want a mode: mock goproxy relay ttfb paced growth sat idle watch client table")
		os.Exit(2)
	}
	mode := os.Args[1]
	if mode == "table" {
		if err := table(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	fs := flag.NewFlagSet(mode, flag.ExitOnError)
	o := options{}
	fs.StringVar(&o.listen, "listen", "127.0.0.1:19000", "address to listen on")
	fs.StringVar(&o.upstream, "upstream", "http://127.0.0.1:19000", "where goproxy forwards to")
	fs.IntVar(&o.conns, "c", 1, "connections, one stream each")
	fs.IntVar(&o.requests, "r", 100, "requests per connection")
	fs.IntVar(&o.events, "n", 20, "events per stream")
	fs.IntVar(&o.intervalUS, "us", 2000, "microseconds between events")
	fs.IntVar(&o.ttftUS, "ttft", 1000, "microseconds before the first event")
	fs.IntVar(&o.seconds, "d", 10, "seconds")
	fs.StringVar(&o.name, "name", "", "the client: vllm or tokenomics")
	fs.StringVar(&o.truth, "truth", "", "the simulator's log")
	fs.StringVar(&o.cpu, "cpu", "", "what watch wrote")
	fs.StringVar(&o.result, "result", "", "what the client wrote of each request")
	fs.IntVar(&o.also, "also", 0, "process id of the server")
	fs.Parse(os.Args[2:])
	o.command = fs.Args()
	for _, a := range fs.Args() {
		if mode == "watch" {
			break
		}
		t, err := parseTarget(a)
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(2)
		}
		o.targets = append(o.targets, t)
	}
	run := map[string]func(options) error{
		"mock": mock, "goproxy": goproxy, "relay": relay, "ttfb": ttfb, "paced": paced, "growth": paced, "sat": paced, "idle": idle,
		"watch": watch, "client": report,
	}[mode]
	if run == nil {
		fmt.Fprintln(os.Stderr, "bench: unknown mode", mode)
		os.Exit(2)
	}
	switch mode {
	case "sat":
		o.intervalUS, o.saturate = 0, true
	case "growth":
		o.growth = true
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	listen, upstream                                     string
	conns, requests, events, intervalUS, ttftUS, seconds int
	saturate, growth                                     bool
	targets                                              []target
	name, truth, cpu, result                             string
	also                                                 int
	command                                              []string
}
