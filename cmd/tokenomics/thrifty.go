package main

import (
	"os"
	"runtime/debug"
)

// thrifty has garbage collected when it has grown to a quarter of what is in use,
// and not to as much: little is made while streams wait, in thousands, and what they
// hold would count double. Not so where GOGC is set, which then decides.
func thrifty() (is bool) {
	if _, set := os.LookupEnv("GOGC"); set {
		return false
	}
	debug.SetGCPercent(25)
	return true
}

// ballast is memory of a thrifty load generator that is never touched and so takes
// none, but counts as in use as long as it is kept: 16 MB of garbage are always
// allowed. Without it a load of a few hundred streams is collected every second, for
// a twentieth of its CPU time.
func ballast() []byte {
	b := make([]byte, 64<<20)
	giveBack(b)
	return b
}
