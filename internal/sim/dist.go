package sim

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Dist is a distribution of durations or of counts. Its text form is a constant
// ("50ms", "128") or one of uniform(a,b), normal(mu,sigma), exp(mean) and
// lognormal(median,sigma), with durations or numbers inside as the kind wants
// (the sigma of lognormal is a bare number). Draws below zero become zero.
// The zero Dist is unset: the Config field that holds it then has its default.
// *Dist is a flag value (Set, String, Type).
type Dist struct {
	shape     string // "" is unset
	a, b      float64
	durations bool
	text      string
}

// Durations returns an unset Dist whose Set reads durations.
func Durations() Dist { return Dist{durations: true} }

// Counts returns an unset Dist whose Set reads numbers.
func Counts() Dist { return Dist{} }

// ConstantDuration is always d.
func ConstantDuration(d time.Duration) Dist {
	return Dist{shape: "constant", a: float64(d), durations: true, text: d.String()}
}

// ConstantCount is always n.
func ConstantCount(n int) Dist {
	return Dist{shape: "constant", a: float64(n), text: strconv.Itoa(n)}
}

// ParseDurations reads a distribution of durations.
func ParseDurations(s string) (Dist, error) {
	d := Durations()
	err := d.Set(s)
	return d, err
}

// ParseCounts reads a distribution of counts.
func ParseCounts(s string) (Dist, error) {
	d := Counts()
	err := d.Set(s)
	return d, err
}

// IsSet reports whether the distribution was given.
func (d Dist) IsSet() bool { return d.shape != "" }

// String returns the text the distribution was read from.
func (d Dist) String() string { return d.text }

// Type names the value in a flag's help.
func (d Dist) Type() string {
	if d.durations {
		return "durations"
	}
	return "numbers"
}

// Set reads s, keeping what the Dist is of.
func (d *Dist) Set(s string) error {
	out := Dist{durations: d.durations, text: strings.TrimSpace(s)}
	if err := out.parse(); err != nil {
		return fmt.Errorf("parsing distribution %q: %w", s, err)
	}
	*d = out
	return nil
}

var errShape = errors.New("want a constant, uniform(a,b), normal(mu,sigma), exp(mean) or lognormal(median,sigma)")

func (d *Dist) parse() (err error) {
	name, rest, call := strings.Cut(d.text, "(")
	if !call {
		d.shape = "constant"
		d.a, err = d.value(d.text)
		return err
	}
	inner, ok := strings.CutSuffix(rest, ")")
	if !ok {
		return errors.New("missing the closing parenthesis")
	}
	args := strings.Split(inner, ",")
	d.shape = strings.TrimSpace(name)
	want := 2
	switch d.shape {
	case "uniform", "normal", "lognormal":
	case "exp":
		want = 1
	default:
		return fmt.Errorf("unknown shape %q: %w", d.shape, errShape)
	}
	if len(args) != want {
		return fmt.Errorf("%s takes %d values, got %d", d.shape, want, len(args))
	}
	if d.a, err = d.value(args[0]); err != nil || want == 1 {
		return err
	}
	if d.shape == "lognormal" {
		d.b, err = number(args[1])
		return err
	}
	if d.b, err = d.value(args[1]); err == nil && d.shape == "uniform" && d.b < d.a {
		err = errors.New("uniform(a,b) wants a <= b")
	}
	return err
}

// value reads one argument: nanoseconds of a duration, or a number; never below 0.
func (d *Dist) value(s string) (float64, error) {
	s = strings.TrimSpace(s)
	if !d.durations {
		return number(s)
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 50ms or 1.5s: %w", s, errShape)
	}
	if v < 0 {
		return 0, fmt.Errorf("%q is below zero", s)
	}
	return float64(v), nil
}

func number(s string) (float64, error) {
	s = strings.TrimSpace(s)
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a number: %w", s, errShape)
	}
	if v < 0 {
		return 0, fmt.Errorf("%q is below zero", s)
	}
	return v, nil
}

// maxDraw bounds every draw: a year in nanoseconds, far beyond any use, so that
// sums of draws cannot overflow.
const maxDraw = float64(365 * 24 * time.Hour)

func (d Dist) sample(r *rand.Rand) float64 {
	v := d.a
	switch d.shape {
	case "uniform":
		v = d.a + r.Float64()*(d.b-d.a)
	case "normal":
		v = d.a + r.NormFloat64()*d.b
	case "exp":
		v = r.ExpFloat64() * d.a
	case "lognormal":
		v = d.a * math.Exp(r.NormFloat64()*d.b)
	}
	return min(max(v, 0), maxDraw)
}

func (d Dist) count(r *rand.Rand) int { return int(math.Round(min(d.sample(r), math.MaxInt32))) }
