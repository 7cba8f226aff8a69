package sketch

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/pb/sketchpb"
	"github.com/DataDog/sketches-go/ddsketch/store"
	"google.golang.org/protobuf/proto"
)

// written is a Sketch as JSON. What was read is merged with others as if it
// had never been written. Samples are one text and not an array, which indented
// JSON would spread over a line each.
type written struct {
	Count    float64 `json:"count"`
	Sum      float64 `json:"sum"`
	Min      float64 `json:"min"`
	Max      float64 `json:"max"`
	Samples  string  `json:"samples,omitempty"`  // "1.5 2 3*7": each sample, with its weight unless that is 1
	DDSketch []byte  `json:"ddsketch,omitempty"` // the protobuf of DataDog's sketches, base64, once samples are not kept
}

// MarshalJSON writes the samples where they are kept, else the sketch's bins.
func (s *Sketch) MarshalJSON() ([]byte, error) {
	w := written{Count: s.count, Sum: s.sum, Min: s.min, Max: s.max}
	if s.spilled != nil {
		bins, err := proto.MarshalOptions{Deterministic: true}.Marshal(s.spilled.ToProto())
		if err != nil {
			return nil, fmt.Errorf("encoding a sketch: %w", err)
		}
		w.DDSketch = bins
		return json.Marshal(w)
	}
	var b []byte
	for _, v := range s.ones {
		b = append(strconv.AppendFloat(b, v, 'g', -1, 64), ' ')
	}
	for _, e := range s.exact {
		b = strconv.AppendFloat(b, e.value, 'g', -1, 64)
		if e.weight != 1 {
			b = strconv.AppendFloat(append(b, '*'), e.weight, 'g', -1, 64)
		}
		b = append(b, ' ')
	}
	w.Samples = strings.TrimSuffix(string(b), " ")
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Sketch) UnmarshalJSON(b []byte) error {
	var w written
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("reading a sketch: %w", err)
	}
	read, err := w.sketch()
	if err != nil {
		return fmt.Errorf("reading a sketch: %w", err)
	}
	if d := math.Abs(read.count - w.Count); d > 1e-6*w.Count {
		return fmt.Errorf("reading a sketch: it has samples of weight %v where its count is %v", read.count, w.Count)
	}
	read.count = w.Count // as it was added up, to the last digit
	*s = *read
	return nil
}

func (w *written) sketch() (*Sketch, error) {
	s := new(Sketch)
	if len(w.DDSketch) == 0 {
		for text := range strings.FieldsSeq(w.Samples) {
			value, weight, weighed := strings.Cut(text, "*")
			v, err := strconv.ParseFloat(value, 64)
			n := 1.0
			if weighed {
				var bad error
				n, bad = strconv.ParseFloat(weight, 64)
				err = errors.Join(err, bad)
			}
			if err != nil {
				return nil, fmt.Errorf("sample %q: %w", text, err)
			}
			s.AddN(v, n)
		}
		return s, nil
	}
	var pb sketchpb.DDSketch
	if err := proto.Unmarshal(w.DDSketch, &pb); err != nil {
		return nil, err
	}
	if pb.Mapping == nil {
		return nil, errors.New("its bins have no mapping")
	}
	read, err := ddsketch.FromProtoWithStoreProvider(&pb, func() store.Store { return store.NewCollapsingLowestDenseStore(maxBins) })
	if err != nil {
		return nil, err
	}
	if !read.IndexMapping.Equals(newMapping()) {
		return nil, fmt.Errorf("it was not made with a relative error of %v", RelativeError)
	}
	s.spilled, s.count, s.sum, s.min, s.max = read, read.GetCount(), w.Sum, w.Min, w.Max
	return s, nil
}

func newMapping() mapping.IndexMapping {
	// The argument is a constant, so the error can't happen.
	m, err := mapping.NewLogarithmicMapping(RelativeError)
	if err != nil {
		panic(err)
	}
	return m
}
