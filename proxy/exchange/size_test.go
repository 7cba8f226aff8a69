package exchange

import (
	"runtime"
	"testing"
	"unsafe"

	"tokenomics/internal/wire"
)

// mostHeld is how many bytes an open stream may hold of memory that is in use
// while it waits for the engine's next event: the exchange, what measures it, and
// what is kept of its first event.
const mostHeld = 1050

// TestASilentStreamHoldsLittle: whoever adds to what every stream holds sees here
// what it costs. It is a count and no timing, of many exchanges, so that what else
// the process allocates does not matter.
func TestASilentStreamHoldsLittle(t *testing.T) {
	for name, ask := range map[string]wire.Ask{"observe": wire.AskNothing, "final": wire.AskFinal} {
		s := newScript(t, ask, nil)
		const n = 2000
		open := make([]*Exchange, n)
		request, answer := []byte(posted(streamBody)), []byte(okChunked+chunk(token))
		before := inUse()
		for i := range open {
			x := New(s.x.env, Peer{Addr: "1.2.3.4:5"})
			x.Client(s.now, request)
			x.Connected(true, 0)
			x.ToEngine()
			x.Flushed(s.now)
			x.Engine(s.now, answer)
			x.ToClient()
			x.Measure()
			x.Idle()
			open[i] = x
		}
		if each := (inUse() - before) / n; each > mostHeld {
			t.Errorf("%s: an open stream holds %d bytes, and may hold %d (of which Exchange %d, Relay %d)",
				name, each, mostHeld, unsafe.Sizeof(Exchange{}), unsafe.Sizeof(wire.Relay{}))
		}
		runtime.KeepAlive(open)
	}
}

// inUse is how many bytes of the heap are in use.
func inUse() int64 {
	runtime.GC()
	runtime.GC() // what the pools had
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
