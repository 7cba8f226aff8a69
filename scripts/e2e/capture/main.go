// Command capture records HTTP exchanges with an inference engine, byte for byte
// and read for read, as test data.
//
// It speaks raw TCP, one connection per exchange, so that what it writes down is
// what the engine wrote: header lines in their order and case, chunk framing, and
// where each read of the socket ended. Each exchange becomes one txtar file
// (golang.org/x/tools/txtar):
//
//	-- about --     "key: value" lines: engine, version, date, command (how the
//	                engine was started), case, note, and request_bytes and
//	                response_bytes, the true lengths of the next two
//	-- request --   the request as sent, head and body, then one newline of txtar's
//	-- response --  the response as received, head and chunk framing, then the same
//	-- reads --     one line per read: nanoseconds since the request's first byte
//	                was written, and how many bytes the read brought
//
// Cut request and response to their lengths to lose the newline. A capture that
// txtar could not hold (a line that begins with "-- ") is refused.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// config is what the command line says.
type config struct {
	base    string        // engine's address, as http://127.0.0.1:8000
	cases   string        // which exchanges to record; a key of caseSets
	version string        // engine's version, for the record
	command string        // how the engine was started, for the record
	model   string        // the model that requests name
	out     string        // directory of the .txtar files
	add     bool          // leave files that are there already as they are
	timeout time.Duration // for one exchange
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	var c config
	flags := flag.NewFlagSet("capture", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.StringVar(&c.base, "base", "http://127.0.0.1:8000", "the engine's `address`")
	flags.StringVar(&c.cases, "cases", "", "which exchanges to record: "+strings.Join(setNames(), ", "))
	flags.StringVar(&c.version, "version", "", "the engine's version, for the record")
	flags.StringVar(&c.command, "command", "", "how the engine was started, for the record")
	flags.StringVar(&c.model, "model", "tiny", "the model that requests name")
	flags.StringVar(&c.out, "out", "", "the `directory` to write to")
	flags.BoolVar(&c.add, "add", false, "leave files that are there already as they are")
	flags.DurationVar(&c.timeout, "timeout", time.Minute, "for one exchange")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if err := captureAll(ctx, c, out); err != nil {
		fmt.Fprintln(errs, "capture:", err)
		return 3
	}
	return 0
}

// captureAll records every case of the engine, in order: later ones lean on what
// earlier ones left in the engine's prefix cache. With -add all are asked for
// that reason, though only the new ones are written.
func captureAll(ctx context.Context, c config, out io.Writer) error {
	base, err := url.Parse(c.base)
	if err != nil || base.Host == "" {
		return fmt.Errorf("reading -base %q: want http://HOST:PORT", c.base)
	}
	set, ok := caseSets[c.cases]
	if !ok {
		return fmt.Errorf("-cases %q: want one of %s", c.cases, strings.Join(setNames(), ", "))
	}
	if c.out == "" {
		return errors.New("-out is missing: name the directory to write to")
	}
	if err := os.MkdirAll(c.out, 0o755); err != nil {
		return fmt.Errorf("making the output directory: %w", err)
	}
	for _, s := range set(c.model) {
		x, err := record(ctx, base.Host, s, c.timeout)
		if err != nil {
			return fmt.Errorf("recording %s: %w", s.name, err)
		}
		if x.status != s.status {
			return fmt.Errorf("recording %s: status %d, want %d: %.500s", s.name, x.status, s.status, x.response)
		}
		if err := x.check(s); err != nil {
			return fmt.Errorf("checking %s: %w", s.name, err)
		}
		file, err := x.archive(c, s)
		if err != nil {
			return fmt.Errorf("archiving %s: %w", s.name, err)
		}
		path := filepath.Join(c.out, s.name+".txtar")
		if _, err := os.Stat(path); err == nil && c.add {
			continue
		}
		if err := os.WriteFile(path, file, 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", s.name, err)
		}
		fmt.Fprintf(out, "%-32s %d %7d bytes %4d reads\n", s.name, x.status, len(x.response), len(x.reads))
	}
	return nil
}
