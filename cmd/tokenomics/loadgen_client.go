package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"

	"tokenomics/internal/netloop"
	"tokenomics/internal/upstream"
	"tokenomics/loadgen"
)

// clientFlags say how the client itself works.
type clientFlags struct {
	connect  connections
	timeline bool
	loop     string
	loops    int

	mode netloop.Mode // loop, when it was checked
}

func (f *clientFlags) register(fs *pflag.FlagSet) {
	f.connect = loadgen.AutoConnect
	fs.Var(&f.connect, "connect-before", "connections opened before the clock of a run starts; auto: one for each request in flight,\nand in an open loop for what is sent in a second (64 to 1,024)")
	fs.BoolVar(&f.timeline, "timeline", false, "with --requests-file: the time of every token event")
	fs.StringVar(&f.loop, "loop", string(netloop.Auto), "who reads the answers: on (readiness loops, Linux), off (a goroutine for each),\nauto (loops where they can be); over https it is always goroutines")
	fs.IntVar(&f.loops, "loops", 0, "how many readiness loops; 0: one, which reads what a core can")
}

// check finds what makes no sense.
func (f *clientFlags) check(requestsFile string) (err error) {
	switch {
	case f.timeline && requestsFile == "":
		return errors.New("--timeline is for the lines of --requests-file: give that too")
	case f.loops < 0:
		return fmt.Errorf("--loops %d: give 1 or more, or 0 for one", f.loops)
	}
	if f.mode, err = netloop.ParseMode(f.loop); err != nil {
		return fmt.Errorf("--loop: %w", err)
	}
	return nil
}

// connections is a flag that takes a number or auto.
type connections int

func (c *connections) String() string {
	if *c == loadgen.AutoConnect {
		return "auto"
	}
	return strconv.Itoa(int(*c))
}

func (c *connections) Type() string { return "number" }

func (c *connections) Set(text string) error {
	if text == "auto" {
		*c = loadgen.AutoConnect
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxBatchSize {
		return errors.New("give auto, or a number from 0 to " + strconv.Itoa(maxBatchSize))
	}
	*c = connections(n)
	return nil
}

// checkFiles says whether the process may have as many connections as the
// largest load needs.
func (p *loadgenPlan) checkFiles() error {
	each := 1
	if p.viaProxy {
		each = 3 // ours, the proxy's end of it, and its own to the server
	}
	return upstream.CheckFiles(each * p.largest())
}
