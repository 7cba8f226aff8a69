// Package loadgen decides what to send and when, sends it, and hands every
// answer to the same measuring code that the proxy uses: that it imports
// internal/wire is the promise that both ends are one instrument.
//
//	Workload   request number -> request, a pure function: Requests (requests.go), Conversations (conversations.go)
//	Pacer      elapsed, sent -> when the next one is due: Burst, Steady, Schedule (pacer.go), Arrivals (arrivals.go)
//	Client     sends one request and makes its Record (client.go, exchange.go)
//	Run        one Pacer over one Workload, once (run.go)
//	Plan       loads -> points (plan.go)
//	Sweep      several runs at each of several points (sweep.go), or of two servers in turns (alternate.go)
//	Find       which point comes next in a search (find.go); StopWhen when a point has been run often enough (stopwhen.go)
//
// Below it are what requests say (prompt, dataset, trace), how it is put on the
// wire (body, tokenizer), the engine's own account (engine), and what the tool
// and a proxy did to the figures (calibration, hop).
//
// What comes of it is written by internal/results. It prints nothing: what there is to say goes through Progress.
package loadgen
