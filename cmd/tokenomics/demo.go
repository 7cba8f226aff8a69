package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tokenomics/internal/sim"
	"tokenomics/loadgen/dataset"
)

// newDemoCmd is "tokenomics demo".
func newDemoCmd(e *env) *cobra.Command {
	var resultsFile string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work: a simulated server, the proxy and a short sweep, in one process",
		Long: `Starts a simulated vLLM on a free port of this machine, puts the proxy in front of
it, and sends batches of the built-in prompts through both. It takes about ten
seconds, needs no network and no server, and leaves a results file.

The figures are the simulation's: 60 ms to the first token, 8 ms between tokens.`,
		Example: "  tokenomics demo",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo(cmd.Context(), e, resultsFile)
		},
	}
	cmd.Flags().StringVar(&resultsFile, "results-file", filepath.Join(os.TempDir(), "tokenomics-demo.json"), "JSON `file` for the results")
	return cmd
}

// The simulated server's times, which the summary can be held against.
const (
	demoTTFT = 60 * time.Millisecond
	demoITL  = 8 * time.Millisecond
)

func demo(ctx context.Context, e *env, resultsFile string) error {
	server, err := sim.New(sim.Config{
		TTFT: sim.ConstantDuration(demoTTFT), ITL: sim.ConstantDuration(demoITL), ReportCached: true, NoFaultHeader: true,
	})
	if err != nil {
		return runError(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return runError(fmt.Errorf("listening on this machine: %w", err))
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	fmt.Fprintf(e.stderr, "A SIMULATED vLLM (%v to the first token, %v between tokens), the proxy in front of it, and a sweep through both:\n\n", demoTTFT, demoITL)

	err = demoSweep(ctx, e, "http://"+ln.Addr().String(), resultsFile)
	stop, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if stopErr := errors.Join(server.Shutdown(stop), <-served); err == nil && stopErr != nil {
		err = runError(fmt.Errorf("stopping the simulated server: %w", stopErr))
	}
	if err != nil {
		return err
	}
	fmt.Fprint(e.stdout, demoNext)
	return nil
}

// demoSweep is what "tokenomics loadgen --via-proxy" does.
func demoSweep(ctx context.Context, e *env, base, resultsFile string) error {
	f := &loadgenFlags{
		apiBase: base + "/v1", apiKey: "unused", timeout: time.Minute,
		load: loadFlags{batchSizes: "1,2,4,8", burstiness: 1, traceSpeed: 1, numRuns: 2, warmup: 3},
		say:  promptFlags{datasetKey: dataset.BuiltinKey, prefixGroups: 1, documents: 1, turns: 1, history: historyModel}, seed: 42,
		ask:         askFlags{endpoint: "chat", maxTokens: 64, temperature: 0.5, stream: true, n: 1},
		prefixCache: "auto", resultsFile: resultsFile, description: "demo on a simulated server", viaProxy: true,
		calibrationFile: uncalibrated,
	}
	plan, err := f.plan(func(string) bool { return false })
	if err != nil {
		return runError(err)
	}
	return plan.do(ctx, e)
}

const demoNext = `
Next, on a server of yours (here on port 8000):
  tokenomics loadgen --dataset-key builtin
      the same sweep, with every figure from the real engine
  tokenomics proxy --upstream http://localhost:8000 --listen 127.0.0.1:8080
      your real traffic: point a client at port 8080 and watch
Both take --help.
`
