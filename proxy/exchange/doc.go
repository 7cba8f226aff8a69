// Package exchange is one HTTP/1.1 exchange of the proxy as a state machine
// without I/O: bytes of the client and of the engine go in, bytes for either
// come out, with word of what to do about the connections, and at the end there
// is exactly one Record. It forwards the raw lines of heads, less those that
// belong to one connection, and the raw bytes of bodies; internal/http1 has
// passed every one of them.
//
// Whoever drives it owns sockets, buffers, clocks and deadlines, and calls it
// from one goroutine at a time:
//
//	Client(now, p)       bytes came from the client     -> how many are this exchange's
//	NeedsEngine()        the request can go out         -> connect, then Connected or Unreachable
//	ToEngine()           bytes for the engine           -> write them, then Flushed when all are written
//	Engine(now, p)       bytes came from the engine
//	ToClient()           bytes for the client           -> write them, then Measure and Idle
//	EngineEnd, Abort     a side is gone, or time is up
//	Done()               Record, KeepClient, KeepEngine say what is left to do
//
// What need not be done before bytes are written is done in Flushed and Measure.
package exchange
