package loadgen

import "time"

// Workload says what is sent: request number i of a run, counted from 0, as a
// pure function of the workload's own fields (seed, dataset, run) and i. So
// runs repeat exactly and any part of one can be computed anywhere. Request is
// called from many goroutines.
type Workload interface {
	Request(i int) (Request, error)
}

// Request is one request, ready to send.
type Request struct {
	// Path is where it is posted to: relative to the API base, or, with Root, to
	// the server's root. How the answer is read follows from it.
	Path string
	Root bool
	// Stream says that Body asks for a stream.
	Stream bool
	// Body is JSON. The Client does not change it, except that it takes
	// stream_options away from a server that refuses it.
	Body []byte
	// Next is what its sender sends next, once it was answered with a text, and
	// how long they think first; no request where the conversation is over. nil
	// where nothing follows.
	Next func(answer string) (next *Request, think time.Duration, err error)
}
