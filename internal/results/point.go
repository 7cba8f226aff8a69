package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"tokenomics/internal/sketch"
)

// Points are filed by name, and written in the order they were measured.
type Points []Point

// Point is a point's aggregate over its runs, and each run.
type Point struct {
	Name string `json:"-"`
	Load *Load  `json:"load,omitempty"`
	Figures
	Intervals   map[string]Interval       `json:"intervals,omitempty"` // by figure, such as "output_tok_s" or "ttft_p99"
	Sustainable *Sustainable              `json:"sustainable,omitempty"`
	Instrument  *Instrument               `json:"instrument,omitempty"`
	EngineSide  *EngineSide               `json:"engine_side,omitempty"`
	Hop         *Hop                      `json:"hop,omitempty"`
	Cost        *Cost                     `json:"cost,omitempty"`
	Sketches    map[string]*sketch.Sketch `json:"sketches,omitempty"` // by figure, such as "ttft_ms"
	Warnings    []string                  `json:"warnings,omitempty"`
	Partial     bool                      `json:"partial,omitempty"` // fewer runs than were asked for, or one was stopped
	Runs        []Run                     `json:"runs"`
}

// Run is one run.
type Run struct {
	Run   int       `json:"run"`
	Start time.Time `json:"start"`
	Figures
	Partial  bool     `json:"partial,omitempty"`
	SetAside []string `json:"set_aside,omitempty"` // why it was done once more, and is not counted where there is another
	Seconds  []Second `json:"seconds,omitempty"`
}

// MarshalJSON writes an object in the points' order.
func (p Points) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, r := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(r.Name)
		if err != nil {
			return nil, fmt.Errorf("encoding the name of point %d: %w", i, err)
		}
		value, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("encoding the results of %s: %w", r.Name, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads the points in the order they are written.
func (p *Points) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("reading the results: %w", err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return fmt.Errorf("reading the results: %w", err)
		}
		r := Point{Name: fmt.Sprint(name)}
		if err := d.Decode(&r); err != nil {
			return fmt.Errorf("reading the results of %v: %w", name, err)
		}
		*p = append(*p, r)
	}
	return nil
}
