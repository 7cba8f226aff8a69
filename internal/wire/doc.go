// Package wire turns timed bytes into one Record. It reads what requests ask
// for and what engines answer, in the formats that WIRE.md of the design
// describes, by shape and not by server name. It has no network and no clock:
// moments come in as arguments, stamped where the bytes were read.
//
// The proxy and the load generator both measure through it, which is why a
// number from production and one from a benchmark mean the same thing.
package wire
