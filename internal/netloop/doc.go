// Package netloop waits for many sockets in one goroutine: it is told when one
// can be read or written, and reads and writes without waiting. A socket that is
// silent holds no goroutine, no stack and no buffer.
//
// The sockets are in an epoll set, edge-triggered, and the set waits in Go's own
// poller, so that no thread blocks outside of the scheduler. For that they must
// not be in Go's poller themselves: Detach takes a connection out of it.
//
// Descriptors are numbers that the system gives out again. An event therefore
// names a socket by a tag that is used once, and a descriptor is closed only when
// all events that were fetched with it have been dealt with: nobody is ever
// handed the bytes of another.
//
// All methods of a Conn belong to the loop's goroutine, in which a Handler is
// called, but those that say otherwise.
package netloop
