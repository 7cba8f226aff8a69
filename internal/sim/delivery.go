package sim

import (
	"strconv"
)

// delivery is how the body of one answer travels: in chunks, by its length or
// until the connection ends, and encoded or not.
type delivery struct {
	chunked  bool
	trailers []header
	enc      encoder // nil: as it is
}

// trailer is what a body with trailers ends with.
const trailer = "X-Sim-Trailer"

// deliver writes the head of an answer with a body and returns how that travels.
// h.length is that of the body before it is encoded, below zero if it is not known.
func (x *exchange) deliver(h head) (*delivery, error) {
	d, err := x.newDelivery()
	if err != nil {
		return nil, err
	}
	if d.enc != nil {
		h.headers = append(h.headers, header{"content-encoding", d.enc.name()}, header{"vary", "accept-encoding"})
	}
	http10 := x.faults.has("http10")
	if http10 {
		h.proto = "HTTP/1.0"
	}
	if x.faults.has("close-delimited") || x.faults.has("trailers") {
		h.length = unknownLength
	}
	switch {
	case h.length != unknownLength:
	case !x.http11 || http10 || x.faults.has("close-delimited"):
		x.closing = true // the end of the body is the end of the connection
	default:
		d.chunked = true
	}
	x.closing = x.closing || http10
	if d.chunked && x.faults.has("trailers") {
		d.trailers = []header{{trailer, "simulated"}}
		h.headers = append(h.headers, header{"trailer", trailer})
	}
	h.chunked = d.chunked
	return d, x.writeHead(h)
}

// newDelivery is a delivery with the encoder that the request's faults want.
func (x *exchange) newDelivery() (*delivery, error) {
	f, ok := x.faults.get("encode")
	if !ok {
		return &delivery{}, nil
	}
	enc, err := newEncoder(f.S, string(x.req.Header.Peek("Accept-Encoding")))
	return &delivery{enc: enc}, err
}

// encode returns a piece of the body as it travels.
func (d *delivery) encode(piece []byte) ([]byte, error) {
	if d.enc == nil {
		return piece, nil
	}
	return d.enc.encode(piece)
}

// frame appends an encoded piece, as a chunk where there are chunks.
func (d *delivery) frame(dst, piece []byte) []byte {
	switch {
	case len(piece) == 0:
		return dst // an empty chunk would be the last one
	case !d.chunked:
		return append(dst, piece...)
	}
	dst = strconv.AppendInt(dst, int64(len(piece)), 16)
	dst = append(dst, "\r\n"...)
	dst = append(dst, piece...)
	return append(dst, "\r\n"...)
}

// end returns what follows the last piece.
func (d *delivery) end() ([]byte, error) {
	var out []byte
	if d.enc != nil {
		rest, err := d.enc.close()
		if err != nil {
			return nil, err
		}
		out = d.frame(out, rest)
	}
	if !d.chunked {
		return out, nil
	}
	out = append(out, "0\r\n"...)
	for _, t := range d.trailers {
		out = append(out, t.name+": "+t.value+"\r\n"...)
	}
	return append(out, "\r\n"...), nil
}

// measure is the length of a body as it travels.
func (d *delivery) measure(body []byte) (int, error) {
	piece, err := d.encode(body)
	if err != nil {
		return 0, err
	}
	n := len(piece) // before end, which writes where piece is
	end, err := d.end()
	return n + len(end), err
}

// deliverWhole writes the head of a body that is all there, and returns the body
// as it travels, up to its end.
func (x *exchange) deliverWhole(h head, body []byte) ([]byte, *delivery, error) {
	if h.length != unknownLength {
		probe, err := x.newDelivery()
		if err != nil {
			return nil, nil, err
		}
		if h.length, err = probe.measure(body); err != nil {
			return nil, nil, err
		}
	}
	d, err := x.deliver(h)
	if err != nil {
		return nil, nil, err
	}
	piece, err := d.encode(body)
	return d.frame(nil, piece), d, err
}
