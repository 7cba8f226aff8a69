// Package http1 reads HTTP/1.1 heads and message bodies off raw bytes, in
// whatever pieces they come, and holds both sides of a proxy to one reading of
// where a message ends (RFC 9110, RFC 9112). It is stricter than the RFCs
// allow: what two implementations might read in two ways is refused, never
// repaired. It has no network and no clock, and forwards nothing itself: the
// raw bytes stay with the caller.
package http1
