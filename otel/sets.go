package otel

import (
	"slices"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// sets are the attribute sets of histograms, by number. A measurement carries
// the number alone, and what is collected is given its attributes back before
// anybody sees it: the SDK goes over each attribute of each measurement, in
// search of maps with a key twice, which took two fifths of a Record's time.
// This can go when the SDK binds attributes to an instrument beforehand
// (metric/x has the interface; in 1.47 the SDK does not implement it).
type sets struct {
	mu      sync.Mutex // protects the rest, which only grows, and no further than the families
	known   []attribute.Set
	numbers map[attribute.Distinct]int // of known
}

func newSets() *sets { return &sets{numbers: make(map[attribute.Distinct]int)} }

// keySet is the one attribute of a measurement. It is never exported.
const keySet = attribute.Key("tokenomics.set")

// options is an attribute set made ready for recording.
func (s *sets) options(kv []attribute.KeyValue, more ...attribute.KeyValue) []metric.RecordOption {
	set := attribute.NewSet(slices.Concat(kv, more)...)
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.numbers[set.Equivalent()]
	if !ok { // equal sets have one number, or they would be two series of one name
		n = len(s.known)
		s.known, s.numbers[set.Equivalent()] = append(s.known, set), n
	}
	return []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(keySet.Int(n)))}
}

// restore gives the histograms of a collection their attributes back.
func (s *sets) restore(scopes []metricdata.ScopeMetrics) {
	s.mu.Lock()
	known := s.known
	s.mu.Unlock()
	for _, sm := range scopes {
		for _, m := range sm.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for i := range d.DataPoints {
					restore(&d.DataPoints[i].Attributes, known)
				}
			case metricdata.Histogram[int64]:
				for i := range d.DataPoints {
					restore(&d.DataPoints[i].Attributes, known)
				}
			case metricdata.ExponentialHistogram[float64]:
				for i := range d.DataPoints {
					restore(&d.DataPoints[i].Attributes, known)
				}
			case metricdata.ExponentialHistogram[int64]:
				for i := range d.DataPoints {
					restore(&d.DataPoints[i].Attributes, known)
				}
			}
		}
	}
}

// restore puts the set in the place of its number; what has none is the SDK's
// own, such as otel.metric.overflow.
func restore(set *attribute.Set, known []attribute.Set) {
	if n, ok := set.Value(keySet); ok {
		*set = known[n.AsInt64()]
	}
}
