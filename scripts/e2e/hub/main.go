// Command hub is a stand-in for the Hugging Face hub, for end-to-end checks on
// machines without a network. It serves one dataset under the name of a real
// one, with the real one's columns and questions of our own: the listing at
// /api/datasets/REPO/revision/REV, files at /datasets/REPO/resolve/REV/PATH,
// which redirect to /cdn/PATH as the hub does for large files.
//
//	go run ./scripts/e2e/hub -listen 127.0.0.1:0 -addr-file FILE
//
// FILE gets the base URL's host:port once the server listens. SIGTERM and
// SIGINT end it.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stderr))
}

// run is main with its surroundings as arguments. It returns the exit code: 0
// after a signal, 2 for wrong use, 3 where it could not run.
func run(ctx context.Context, args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("hub", flag.ContinueOnError)
	flags.SetOutput(stderr)
	listen := flags.String("listen", "127.0.0.1:0", "host:port to listen on; port 0 takes a free one")
	addrFile := flags.String("addr-file", "", "file to write the address to, once listening")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := serve(ctx, *listen, *addrFile, stderr); err != nil {
		fmt.Fprintln(stderr, "hub:", err)
		return 3
	}
	return 0
}

// serve answers on addr until ctx is done.
func serve(ctx context.Context, addr, addrFile string, stderr io.Writer) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler:           newHub("gneubig/aime-1983-2024", "AIME_Dataset_1983_2024.csv", questions, stderr),
		ReadHeaderTimeout: 10 * time.Second,
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	if addrFile != "" {
		if err := writeWhole(addrFile, l.Addr().String()+"\n"); err != nil {
			_ = srv.Close() // the write is what failed
			return err
		}
	}
	fmt.Fprintf(stderr, "hub: a stand-in for huggingface.co at http://%s\n", l.Addr())
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return srv.Shutdown(drain)
}

// writeWhole writes a file that is never seen half written.
func writeWhole(path, content string) error {
	tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
	if err := os.WriteFile(tmp, []byte(content), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

//go:embed questions.csv
var questions []byte
