// Package sock reads and writes sockets that are known not to wait, or whose
// caller wants to be told (EAGAIN) that they would.
package sock
