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
