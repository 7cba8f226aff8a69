package trace

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"
)

// Bounds of what is read: above BurstGPT's 5.3 million rows a file, below the
// memory of the machines that send load (a request takes some 50 bytes).
const (
	maxFileBytes = 4 << 30
	maxRequests  = 10_000_000
	maxBlocks    = 100_000_000 // ids of all requests together
	maxLineBytes = 16 << 20
	maxTokens    = 100_000_000 // of one prompt or answer
)

// known is the end of the error about a file of another kind.
const known = "known are Mooncake's JSONL (timestamp, input_length, output_length, hash_ids), " +
	"Azure's CSV (TIMESTAMP,ContextTokens,GeneratedTokens) and BurstGPT's CSV (Timestamp,...,Request tokens,Response tokens,...)"

// Open reads the trace in the file at path. Errors are one line that names the
// file and, where one is at fault, its line.
func Open(path string) (*Trace, error) {
	t, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("reading trace %q: %w", path, err)
	}
	return t, nil
}

func open(path string) (*Trace, error) {
	f, err := os.Open(path)
	if err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err // the caller names the path
		}
		return nil, err
	}
	defer f.Close() // read only: nothing can be lost
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file: save the trace to a file first")
	}
	if info.Size() > maxFileBytes {
		return nil, fmt.Errorf("%d MiB is more than the %d MiB that are read: cut it (head -n)", info.Size()>>20, maxFileBytes>>20)
	}
	var c collector
	if err := c.read(f); err != nil {
		return nil, err
	}
	return newTrace(filepath.Base(path), c.requests, c.leftOut)
}

// collector gathers a file's requests within the package's bounds.
type collector struct {
	requests []Request
	blocks   int
	leftOut  int
}

// read takes the lines of r, by the format that the first of them names.
func (c *collector) read(r io.Reader) error {
	var row func(line []byte) error
	n, err := eachLine(r, func(line []byte) (err error) {
		switch {
		case row != nil:
			return row(line)
		case line[0] == '{':
			row = c.mooncake
			return row(line)
		}
		row, err = c.table(line)
		return err
	})
	if err == nil && row == nil {
		err = errors.New("the file is empty")
	}
	if err != nil && n > 0 {
		return fmt.Errorf("line %d: %w", n, err)
	}
	return err
}

// add takes one request; at counts from wherever its file's clock does.
func (c *collector) add(r Request) error {
	if r.Input < 0 || r.Output < 0 || r.Input > maxTokens || r.Output > maxTokens {
		return fmt.Errorf("%d prompt tokens and %d answer tokens: both must be from 0 to %d", r.Input, r.Output, maxTokens)
	}
	if r.Input == 0 || r.Output == 0 {
		c.leftOut++
		return nil
	}
	if len(c.requests) == maxRequests {
		return fmt.Errorf("more than %d requests: cut the file (head -n)", maxRequests)
	}
	if c.blocks += len(r.Blocks); c.blocks > maxBlocks {
		return fmt.Errorf("more than %d block ids: cut the file (head -n)", maxBlocks)
	}
	c.requests = append(c.requests, r)
	return nil
}

// eachLine calls fn with each line's bytes, without its end, leaving out blank
// lines, and returns the number of the last line seen, 0 if there was none.
// The bytes are fn's only until it returns.
func eachLine(r io.Reader, fn func(line []byte) error) (n int, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLineBytes)
	for lines.Scan() {
		n++
		line := lines.Bytes()
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if err := fn(line); err != nil {
			return n, err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return n + 1, fmt.Errorf("longer than %d MiB", maxLineBytes>>20)
	}
	return n, lines.Err()
}

// instant turns a number of units into a time of the file's clock.
func instant(n float64, unit time.Duration) (time.Duration, error) {
	ns := n * float64(unit)
	if !(n >= 0) || ns > math.MaxInt64/2 {
		return 0, fmt.Errorf("time %v is no time: it must be 0 or more", n)
	}
	return time.Duration(math.Round(ns)), nil
}
