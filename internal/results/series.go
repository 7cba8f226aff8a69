package results

import "tokenomics/internal/stats"

// Second is one second of a run.
type Second = stats.Second

// Interval is how far a figure of a point can be trusted.
type Interval = stats.Interval
