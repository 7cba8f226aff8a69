// Package calibration says how far this machine's own figures can be trusted:
// what the load generator measured of a simulated engine is held against what
// that engine knows it did.
//
//	Tally        Records and the truth of the same requests -> Level (tally.go)
//	Level        the tool's errors at one load, and whether they are small enough (level.go)
//	Calibration  the levels of one machine, and their file (calibration.go)
//	Instrument   a measured point and a calibration -> what the tool did to it (instrument.go)
//
// It prints nothing and starts nothing.
package calibration
