package hop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"tokenomics/internal/record"
)

// Lines reads a proxy's log (its --log-requests) while that grows: from the end
// that it has when it is opened, so that a log of months costs nothing.
type Lines struct {
	path string
	at   int64
}

// OpenLines notes where the log ends. One that is not there yet begins at 0.
func OpenLines(path string) (*Lines, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &Lines{path: path}, nil
	case err != nil:
		return nil, fmt.Errorf("reading the proxy's records: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("reading the proxy's records: %q is no file", path)
	}
	return &Lines{path: path, at: info.Size()}, nil
}

// ReadInto gives j the whole lines that have come since the last call. A log
// that has become shorter was put away, and is read from its beginning.
func (l *Lines) ReadInto(j *Join) (err error) {
	f, err := os.Open(l.path)
	if err != nil {
		return fmt.Errorf("reading the proxy's records: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("reading the proxy's records: %w", err)
	}
	if info.Size() < l.at {
		l.at = 0
	}
	if _, err := f.Seek(l.at, io.SeekStart); err != nil {
		return fmt.Errorf("reading the proxy's records: %w", err)
	}
	return l.read(f, j)
}

// chunk is how much is read at a time; a longer line is gathered.
const chunk = 256 << 10

func (l *Lines) read(r io.Reader, j *Join) error {
	buf, rest := make([]byte, chunk), []byte(nil)
	for {
		n, err := r.Read(buf)
		rest = append(rest, buf[:n]...)
		for {
			line, after, whole := bytes.Cut(rest, []byte("\n"))
			if !whole {
				break
			}
			if err := j.line(line); err != nil {
				return fmt.Errorf("%q, at byte %d: %w", l.path, l.at, err)
			}
			l.at += int64(len(line)) + 1
			rest = after
		}
		if errors.Is(err, io.EOF) {
			return nil // what is left is a line that is still being written
		}
		if err != nil {
			return fmt.Errorf("reading the proxy's records: %w", err)
		}
	}
}

// logged is what is read of a line of the proxy's log.
type logged struct {
	RequestID string              `json:"request_id"`
	Outcome   record.Outcome      `json:"outcome"`
	TTFT      record.Opt[float64] `json:"ttft_ms"`
	E2E       record.Opt[float64] `json:"e2e_ms"`
	Overhead  record.Opt[float64] `json:"overhead_us"`
}

func (j *Join) line(text []byte) error {
	var l logged
	if err := json.Unmarshal(text, &l); err != nil {
		return fmt.Errorf("reading a line of the proxy's records: %w; is it the file of its --log-requests?", err)
	}
	if l.Outcome != record.Complete {
		return nil
	}
	t := theirs{ttft: l.TTFT, e2e: l.E2E}
	if us, ok := l.Overhead.Get(); ok {
		t.overhead = record.Some(us / 1000)
	}
	j.proxy(l.RequestID, t)
	return nil
}
