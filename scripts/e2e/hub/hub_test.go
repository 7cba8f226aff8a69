package main

import (
	"bytes"
	"context"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tokenomics/loadgen/dataset"
)

func TestLoadGeneratorReadsIt(t *testing.T) {
	srv := httptest.NewServer(newHub("gneubig/aime-1983-2024", "AIME_Dataset_1983_2024.csv", questions, io.Discard))
	defer srv.Close()
	d, err := dataset.Open(context.Background(), dataset.Config{Key: "aime", HFEndpoint: srv.URL, CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	lineEnds := 0
	for i := range d.Len() {
		seen[d.At(i).Text] = true
		if strings.Contains(d.At(i).Text, "\n") {
			lineEnds++
		}
	}
	if len(seen) < 40 || len(seen) != d.Len() {
		t.Errorf("%d questions, %d of them different, want 40 or more", d.Len(), len(seen))
	}
	if lineEnds == 0 {
		t.Error("no question has a line end in it, as real ones do")
	}
}

func TestRunTellsItsAddressAndEnds(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "addr")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var stderr writer
	stderr.line = cancel // its first line is written once it is ready
	if code := run(ctx, []string{"-addr-file", file}, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	addr, err := os.ReadFile(file)
	if err != nil || !strings.HasPrefix(string(addr), "127.0.0.1:") {
		t.Errorf("address %q, %v", addr, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("files left behind: %v, %v", left, err)
	}
}

func TestRunWrongUse(t *testing.T) {
	for _, tc := range []struct {
		args []string
		code int
	}{
		{[]string{"-nope"}, 2},
		{[]string{"-listen", "nowhere"}, 3},
		{[]string{"-addr-file", "/no/such/dir/addr"}, 3},
	} {
		if code := run(context.Background(), tc.args, io.Discard); code != tc.code {
			t.Errorf("%q: exit code %d, want %d", tc.args, code, tc.code)
		}
	}
}

// writer calls line after it was written to.
type writer struct {
	bytes.Buffer
	line func()
}

func (w *writer) Write(p []byte) (int, error) {
	defer w.line()
	return w.Buffer.Write(p)
}
