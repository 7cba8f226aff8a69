// Package loadgen decides what to send and when, sends it, and hands every
// answer to the same measuring code that the proxy uses: that it imports
// internal/wire is the promise that both ends are one instrument.
//
//	Workload   request number -> request, a pure function (workload.go, chat.go)
//	Pacer      elapsed, sent -> when the next one is due (pacer.go)
//	Client     sends one request and makes its Record (client.go, exchange.go)
//	Run        one Pacer over one Workload, once (run.go)
//	Sweep      several runs at each of several points (sweep.go)
//
// What comes of it is written by internal/results. It prints nothing: what there is to say goes through Progress.
package loadgen
