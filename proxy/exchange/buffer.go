package exchange

import "sync"

// scratchSize is what the pooled buffers begin with: a head, or what one read
// brings.
const scratchSize = 4 << 10

// maxPooled is the largest buffer that is kept.
const maxPooled = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, scratchSize); return &b }}

// boxes are the pool's pointers without a buffer, so that giving one back
// allocates nothing.
var boxes = sync.Pool{New: func() any { return new([]byte) }}

func getBuffer() []byte {
	box := buffers.Get().(*[]byte)
	b := *box
	*box = nil
	boxes.Put(box)
	return b[:0]
}

func putBuffer(b []byte) {
	if cap(b) > maxPooled || cap(b) == 0 {
		return
	}
	box := boxes.Get().(*[]byte)
	*box = b[:0]
	buffers.Put(box)
}
