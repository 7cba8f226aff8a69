package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// env is what a command may touch of the world around it.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// Exit codes.
const (
	exitGood   = 0
	exitFailed = 1 // the thing measured failed its bar
	exitUsage  = 2 // wrong use: of a flag, or of a file that is named and is not there or not what it should be
	exitNotRun = 3 // could not run
)

// exitError is an error with its exit code.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usageError(err error) error { return &exitError{exitUsage, err} }
func runError(err error) error   { return &exitError{exitNotRun, err} }
func failError(err error) error  { return &exitError{exitFailed, err} }

// run is the whole program: it returns the exit code. Results go to stdout,
// progress and errors to stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := &env{stdin: stdin, stdout: stdout, stderr: stderr}
	root := newRoot(e)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitGood
	}
	fmt.Fprintf(stderr, "tokenomics: %s\n", oneLine(err))
	var coded *exitError
	if errors.As(err, &coded) {
		return coded.code
	}
	return exitUsage // cobra's own errors are about the command line
}

// oneLine keeps an error on the line that was promised.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   "tokenomics",
		Short: "Tokens per second, and at what latency: for your real traffic and for a load you choose",
		Long: `tokenomics measures LLM inference traffic of vLLM, SGLang, llama.cpp or any
OpenAI-compatible server.

  tokenomics demo       see it work in ten seconds, with nothing installed
  tokenomics proxy      stand in front of a server and measure its real traffic
  tokenomics loadgen    send a server batches of prompts and measure what comes
  tokenomics compare    compare what two runs of loadgen came to
  tokenomics report     make the results into a page, charts or a table
  tokenomics sim        a simulated server, to try both on
  tokenomics calibrate  how far this machine's own figures can be trusted

Dashes and underscores are the same in every flag. Every flag can also be set
by an environment variable: --batch-sizes by TOKENOMICS_BATCH_SIZES.`,
		Version:       version,
		Args:          noCommand,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetGlobalNormalizationFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
	})
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError(fmt.Errorf("%w; see '%s --help'", err, cmd.CommandPath()))
	})
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return flagsFromEnvironment(cmd.Flags()) }
	root.AddCommand(newProxyCmd(e), newLoadgenCmd(e), newCompareCmd(e), newReportCmd(e), newSimCmd(e), newCalibrateCmd(e), newDemoCmd(e))
	return root
}

// noCommand refuses a word that is no subcommand.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError(fmt.Errorf("unknown command %q; see '%s --help'", args[0], cmd.CommandPath()))
}

// noArgs refuses what is neither a flag nor a flag's value.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError(fmt.Errorf("unexpected argument %q: lists are written with commas (1,2,4) and booleans with an equals sign (--stream=false); see '%s --help'", args[0], cmd.CommandPath()))
}

// givenElsewhere says whether the flag, or an alias of it, was given.
func givenElsewhere(flags *pflag.FlagSet, f *pflag.Flag) (given bool) {
	flags.Visit(func(other *pflag.Flag) {
		given = given || other == f || aliases[f.Name] == other.Name || aliases[other.Name] == f.Name
	})
	return given
}

// aliases are flags that are another one's second name.
var aliases = map[string]string{"base-url": "api-base", "warmup-runs": "warmup", "concurrency": "max-concurrency", "dataset-name": "dataset-key"}

// flagsFromEnvironment sets the flags that were not given from the variables
// named after them.
func flagsFromEnvironment(flags *pflag.FlagSet) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := "TOKENOMICS_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, set := os.LookupEnv(name)
		if !set || err != nil || givenElsewhere(flags, f) || f.Name == "help" || f.Name == "version" {
			return
		}
		if e := flags.Set(f.Name, value); e != nil {
			err = usageError(fmt.Errorf("environment variable %s: %w", name, e))
			return
		}
		f.Changed = false // on the command line it was not; its value is a default, changed
	})
	return err
}
