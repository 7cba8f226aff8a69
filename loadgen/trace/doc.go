// Package trace reads timed traces of real traffic: when each request came,
// how long its prompt was and its answer, and which leading blocks it shared
// with others. No trace holds text; what is sent in its place is the caller's.
//
//	Open         recognises the format by the file's first line and reads it whole
//	mooncake.go  JSONL of Mooncake's traces, with the ids of prompt blocks
//	table.go     CSV of Azure's and BurstGPT's traces
//
// A Trace never changes after it was read. Window and Scaled return another.
package trace
