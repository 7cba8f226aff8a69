package wire

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"iter"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// The decoded copy of an answer may grow to freeDecoded, and beyond that to
// maxRatio times what came. Text of tokens, which is repetitive, stays far
// below; a bomb costs its measurement.
const (
	freeDecoded = 1 << 20
	maxRatio    = 128
)

// maxWindow bounds the memory of a decoder. RFC 9659 allows no more on the web.
const maxWindow = 8 << 20

var errBomb = errors.New("it grows too large")

// decoder undoes a content coding for the measurement, as bytes come: what is
// fed has been decoded, as far as it can be, when feed returns. The libraries
// pull their input; each runs as a coroutine, so that it can be pushed and
// nothing runs beside the caller.
type decoder struct {
	coding  string
	out     func(p []byte) // takes decoded bytes, which are valid during the call
	in      []byte         // fed and not yet decoded
	ended   bool           // no more will be fed
	resume  func() (struct{}, bool)
	stop    func()
	yield   func(struct{}) bool
	fed     int64
	decoded int64
	err     error // why it ended early
}

// opener starts the reader of one coding.
type opener func(in *decoder) (io.Reader, error)

// openers are the codings that can be undone.
var openers = map[string]opener{
	"gzip":    openGzip,
	"x-gzip":  openGzip,
	"deflate": openDeflate,
	"br":      func(in *decoder) (io.Reader, error) { return brotli.NewReader(in), nil },
	"zstd":    openZstd,
}

func openGzip(in *decoder) (io.Reader, error) { return gzip.NewReader(in) }

// openDeflate reads what is called deflate: zlib's format, and from some
// servers the bare one.
func openDeflate(in *decoder) (io.Reader, error) {
	var head [2]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	whole := io.MultiReader(bytes.NewReader(head[:]), in)
	if head[0]&0xf == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
		return zlib.NewReader(whole)
	}
	return flate.NewReader(whole), nil
}

func openZstd(in *decoder) (io.Reader, error) {
	// One at a time: it then works in the caller's coroutine.
	return zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
}

func newDecoder(coding string, open opener, out func(p []byte)) *decoder {
	d := &decoder{coding: coding, out: out}
	d.resume, d.stop = iter.Pull(func(yield func(struct{}) bool) {
		d.yield = yield
		if err := d.run(open); err != io.EOF {
			d.err = err
		}
	})
	return d
}

// run decodes until the input ends or is no good.
func (d *decoder) run(open opener) error {
	r, err := open(d)
	if err != nil {
		return err
	}
	if z, ok := r.(*zstd.Decoder); ok {
		defer z.Close()
	}
	buf := make([]byte, 4<<10)
	for {
		n, err := r.Read(buf)
		if d.decoded += int64(n); d.decoded > freeDecoded+maxRatio*d.fed {
			return errBomb
		}
		if n > 0 {
			d.out(buf[:n])
		}
		if err != nil {
			return err
		}
	}
}

// Read is the coding's input: what was fed, and then a pause until there is
// more.
func (d *decoder) Read(p []byte) (int, error) {
	if !d.wait() {
		return 0, io.EOF
	}
	n := copy(p, d.in)
	d.in = d.in[n:]
	return n, nil
}

// ReadByte spares gzip a buffer of its own.
func (d *decoder) ReadByte() (byte, error) {
	if !d.wait() {
		return 0, io.EOF
	}
	c := d.in[0]
	d.in = d.in[1:]
	return c, nil
}

// wait gives the caller its turn until there is input, and says whether there
// is.
func (d *decoder) wait() bool {
	for len(d.in) == 0 && !d.ended {
		if !d.yield(struct{}{}) {
			d.ended = true
		}
	}
	return len(d.in) > 0
}

// feed decodes the next bytes.
func (d *decoder) feed(p []byte) {
	d.fed += int64(len(p))
	d.in = p
	d.resume()
	d.in = nil // what a coding that has ended left of it
}

// close decodes what is left when no more will come, and frees the decoder. It
// says why not all could be decoded, nil when all was.
func (d *decoder) close() error {
	d.ended = true
	d.resume()
	d.stop()
	return d.err
}
