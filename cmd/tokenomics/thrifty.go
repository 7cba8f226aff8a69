package main

import (
	"os"
	"runtime/debug"
)

// thrifty has garbage collected when it has grown to a quarter of what is in use,
// and not to as much: little is made while streams wait, in thousands, and what they
// hold would count double. GOGC, where it is set, decides.
func thrifty() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(25)
	}
}

// ballast goes with thrifty where a load of a few hundred streams would have garbage
// collected every second, for a twentieth of its CPU time. It is never touched and so
// takes no memory, but counts as in use as long as it is kept: 16 MB of garbage are
// always allowed.
func ballast() []byte {
	if _, set := os.LookupEnv("GOGC"); set {
		return nil
	}
	return make([]byte, 64<<20)
}
