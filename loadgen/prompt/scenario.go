package prompt

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
)

// Scenario is how long prompts and answers are, in tokens: drawn anew for each
// request. The zero value is not a Scenario; ParseScenario makes one.
type Scenario struct {
	text          string
	input, output draw
}

// draw gives a length. It always takes the same numbers from rng.
type draw func(rng *rand.Rand) int

// ScenarioSyntax is what ParseScenario reads, for the help.
const ScenarioSyntax = "D(INPUT,OUTPUT), N(MEAN,SD)/(MEAN,SD) or U(MIN,MAX)/(MIN,MAX), all in tokens"

// longest is the longest prompt or answer that is asked for. It is far above
// any context there is.
const longest = 1 << 26

var (
	constantForm = regexp.MustCompile(`^D\(([^,()/]*),([^,()/]*)\)$`)
	pairForm     = regexp.MustCompile(`^([NU])\(([^,()/]*),([^,()/]*)\)/\(([^,()/]*),([^,()/]*)\)$`)
	spaces       = regexp.MustCompile(`\s+`)
)

// ParseScenario reads a scenario:
//
//	D(1024,256)            prompts of 1024 tokens, answers of 256
//	N(480,240)/(300,150)   normal, mean and standard deviation
//	U(100,400)/(50,200)    any length from the first to the second alike
//
// before the slash of the prompt, after it of the answer. Lengths below 1 that
// a normal distribution gives are 1. An answer of D(n,0) is as long as the run
// lets it be.
func ParseScenario(text string) (Scenario, error) {
	compact := spaces.ReplaceAllString(text, "")
	s := Scenario{text: compact}
	var err error
	if m := constantForm.FindStringSubmatch(compact); m != nil {
		if s.input, err = constant("INPUT", m[1], 1); err == nil {
			s.output, err = constant("OUTPUT", m[2], 0)
		}
	} else if m := pairForm.FindStringSubmatch(compact); m != nil {
		of := normal
		if m[1] == "U" {
			of = uniform
		}
		if s.input, err = of(m[2], m[3]); err == nil {
			s.output, err = of(m[4], m[5])
		}
	} else {
		err = fmt.Errorf("it has another form")
	}
	if err != nil {
		return Scenario{}, fmt.Errorf("reading the scenario %q: %w; write %s", text, err, ScenarioSyntax)
	}
	return s, nil
}

// String is the scenario as it was written.
func (s Scenario) String() string { return s.text }

// lengths are those of request i.
func (s Scenario) lengths(seed uint64, i int) (input, output int) {
	rng := source(seed, streamLength, i)
	return s.input(rng), s.output(rng)
}

func constant(name, text string, least int) (draw, error) {
	n, err := whole(name, text, least)
	return func(*rand.Rand) int { return n }, err
}

func normal(mean, sd string) (draw, error) {
	m, err := real("MEAN", mean)
	if err != nil {
		return nil, err
	}
	d, err := real("SD", sd)
	return func(rng *rand.Rand) int {
		return int(min(max(math.Round(m+d*rng.NormFloat64()), 1), longest))
	}, err
}

func uniform(least, most string) (draw, error) {
	low, err := whole("MIN", least, 1)
	if err != nil {
		return nil, err
	}
	high, err := whole("MAX", most, 1)
	if err == nil && high < low {
		err = fmt.Errorf("MAX %d is below MIN %d", high, low)
	}
	return func(rng *rand.Rand) int { return low + int(rng.Float64()*float64(high-low+1)) }, err
}

func whole(name, text string, least int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > longest {
		return 0, fmt.Errorf("%s is %q, not a whole number from %d to %d", name, text, least, longest)
	}
	return n, nil
}

func real(name, text string) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x >= 0 && x <= longest) {
		return 0, fmt.Errorf("%s is %q, not a number from 0 to %d", name, text, longest)
	}
	return x, nil
}
