package otel

import (
	"fmt"
	"math/bits"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// loadRanges are the ranges of requests in flight that latency is read
// against: 1, 2, 3-4, 5-8, ... and all above 2048.
const loadRanges = 13

// loadOptions are the label sets of one (operation, model), by range.
type loadOptions [loadRanges][]metric.RecordOption

// loadRange is the index of the range that n requests in flight fall into.
func loadRange(n int) int { return min(bits.Len(uint(n-1)), loadRanges-1) }

// rangeText is the range as its label.
func rangeText(i int) string {
	low, high := 1<<i/2+1, 1<<i
	switch {
	case i == loadRanges-1:
		return fmt.Sprintf("%d-", low)
	case low >= high:
		return fmt.Sprint(high)
	}
	return fmt.Sprintf("%d-%d", low, high)
}

func (l *labels) newLoad(k loadKey) *loadOptions {
	kv := appendText([]attribute.KeyValue{keyOperation.String(k.operation)}, keyRequestModel, k.model)
	o := new(loadOptions)
	for i := range o {
		o[i] = l.sets.options(kv, keyInFlightRange.String(rangeText(i)))
	}
	return o
}
