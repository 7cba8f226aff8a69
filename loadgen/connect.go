package loadgen

import "math"

// AutoConnect leaves it to the load how many connections are opened before the
// clock of its runs starts.
const AutoConnect = -1

// An open loop begins with connections for what is sent in its first second,
// and not with so many that most are closed unused.
const (
	leastConnections = 64
	mostConnections  = 1024
)

// connect is how many connections a run of the point opens first.
func (p Plan) connect(at Point) int {
	switch {
	case p.Connect != AutoConnect:
		return p.Connect
	case !at.open():
		return max(at.MaxInFlight, at.Load.BatchSize)
	}
	perSecond := math.Ceil(float64(at.Load.RequestRate))
	return min(at.Requests, int(max(leastConnections, min(perSecond, mostConnections))))
}
