//go:build !unix

package main

// giveBack does nothing: what was in use before stays ours.
func giveBack([]byte) {}
