// Command tokenomics measures LLM inference traffic: a proxy in front of a
// server, a load generator, and a simulated server to try both on.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the build: -ldflags "-X main.version=1.2.3".
var version = "dev"

func main() {
	signals := make(chan os.Signal, 2) // asked twice in a moment, both count
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx := untilSignal(context.Background(), signals, func() { signal.Stop(signals) })
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
