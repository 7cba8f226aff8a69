// Package stats turns Records into numbers: Records are observed by a Window,
// windows are pooled, and a Summary says what they come to, by the definitions
// of METRICS.md. It prints nothing and reads no clock.
//
// A figure without data is absent, never 0: counts are counts, but tokens,
// times and rates are record.Opt, and a distribution without samples is nil.
package stats
