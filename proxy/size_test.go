package proxy

import (
	"testing"
	"unsafe"

	"tokenomics/internal/netloop"
	"tokenomics/internal/upstream"
)

// TestAConnectionInALoopIsSmall: beside its exchange, whose size proxy/exchange
// holds, an open stream in a readiness loop holds these,
// and a netloop.Conn at each end.
func TestAConnectionInALoopIsSmall(t *testing.T) {
	held := unsafe.Sizeof(looped{}) + unsafe.Sizeof(line{}) + unsafe.Sizeof(upstream.Socket{}) + 2*unsafe.Sizeof(netloop.Conn{})
	if held > 352 {
		t.Errorf("%d bytes: looped %d, line %d, Socket %d, Conn %d", held,
			unsafe.Sizeof(looped{}), unsafe.Sizeof(line{}), unsafe.Sizeof(upstream.Socket{}), unsafe.Sizeof(netloop.Conn{}))
	}
}
