package exchange

import "tokenomics/internal/record"

// facts are what the Record will tell that only the exchange knows. The Record,
// which is large, is made of them when it is over.
type facts struct {
	id       string
	tenant   string
	provider string
	trace    *record.Trace // nil: tracing is off
	sent     record.Moment
	connect  record.Moment
	inFlight int32
	status   int16
	retries  uint8
}

// record begins the Record.
func (x *Exchange) record() *record.Record {
	f := &x.facts
	if f.id == "" {
		f.id = x.env.NewID() // its client gave none, or was refused before it was read
	}
	rec := &record.Record{
		RequestID: f.id, Start: x.start, Server: x.env.Addr, Tenant: f.tenant, Provider: f.provider,
		Sent: f.sent.Offset(), Connect: f.connect.Offset(), Retries: int(f.retries),
		Status: int(f.status), RequestBytes: x.requestBytes,
	}
	if f.trace != nil {
		rec.Trace = *f.trace
	}
	return rec
}
