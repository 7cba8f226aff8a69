package sim

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// encoder encodes a body piece by piece, so that each can be decoded as it comes.
type encoder interface {
	name() string
	encode(piece []byte) ([]byte, error)
	close() ([]byte, error)
}

// encodings are those the simulator can order itself, best first.
func encodings() []string { return []string{"br", "zstd", "gzip"} }

// newEncoder returns the encoder of that name. "auto" is the best that the client
// accepts, or none.
func newEncoder(name, accept string) (encoder, error) {
	if name == "auto" {
		name = accepted(accept)
	}
	e := &flushing{named: name}
	switch name {
	case "":
		return nil, nil
	case "br":
		e.w = brotli.NewWriterLevel(&e.out, brotli.BestSpeed)
	case "gzip":
		e.w = gzip.NewWriter(&e.out)
	case "zstd":
		w, err := zstd.NewWriter(&e.out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstd.MinWindowSize<<6))
		if err != nil {
			return nil, fmt.Errorf("making a zstd encoder: %w", err)
		}
		e.w = w
	}
	return e, nil
}

func accepted(accept string) string {
	for _, name := range encodings() {
		for offer := range strings.SplitSeq(accept, ",") {
			coding, weight, _ := strings.Cut(strings.TrimSpace(offer), ";")
			if strings.TrimSpace(coding) == name && strings.TrimSpace(weight) != "q=0" {
				return name
			}
		}
	}
	return ""
}

// flushing is an encoder over a library's writer, flushed after every piece.
type flushing struct {
	named string
	out   bytes.Buffer
	w     interface {
		io.WriteCloser
		Flush() error
	}
}

func (f *flushing) name() string { return f.named }

func (f *flushing) encode(piece []byte) ([]byte, error) {
	f.out.Reset()
	if _, err := f.w.Write(piece); err != nil {
		return nil, fmt.Errorf("encoding with %s: %w", f.named, err)
	}
	if err := f.w.Flush(); err != nil {
		return nil, fmt.Errorf("encoding with %s: %w", f.named, err)
	}
	return f.out.Bytes(), nil
}

func (f *flushing) close() ([]byte, error) {
	f.out.Reset()
	if err := f.w.Close(); err != nil {
		return nil, fmt.Errorf("encoding with %s: %w", f.named, err)
	}
	return f.out.Bytes(), nil
}
