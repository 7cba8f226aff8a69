package prompt

import (
	"math"
	"strings"
	"testing"
)

func TestScenarios(t *testing.T) {
	type lengths struct{ mean, sd, least, most float64 }
	tests := []struct {
		text          string
		input, output lengths
	}{
		{"D(1024,256)", lengths{1024, 0, 1024, 1024}, lengths{256, 0, 256, 256}},
		{" D( 10 , 0 ) ", lengths{10, 0, 10, 10}, lengths{0, 0, 0, 0}}, // 0: as the run has it
		{"N(480,24)/(300,15)", lengths{480, 24, 300, 660}, lengths{300, 15, 200, 400}},
		{"N(1,1e3)/(5.5,0)", lengths{399, 583, 1, 6000}, lengths{6, 0, 6, 6}}, // below 1 is 1
		{"U(100,400)/(50,200)", lengths{250, 86.9, 100, 400}, lengths{125, 43.6, 50, 200}},
		{"U(7,7)/(1,2)", lengths{7, 0, 7, 7}, lengths{1.5, 0.5, 1, 2}},
	}
	for _, tt := range tests {
		s, err := ParseScenario(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.ReplaceAll(tt.text, " ", ""); s.String() != want {
			t.Errorf("%q is told as %q", tt.text, s)
		}
		const n = 20000
		for side, want := range []lengths{tt.input, tt.output} {
			sum, squares, least, most := 0.0, 0.0, math.Inf(1), math.Inf(-1)
			for i := range n {
				in, out := s.lengths(3, i)
				x := float64([]int{in, out}[side])
				sum, squares, least, most = sum+x, squares+x*x, min(least, x), max(most, x)
			}
			mean := sum / n
			sd := math.Sqrt(max(squares/n-mean*mean, 0))
			if math.Abs(mean-want.mean) > want.sd*0.03 || math.Abs(sd-want.sd) > want.sd*0.03 || least < want.least || most > want.most {
				t.Errorf("%s, side %d: mean %.1f, sd %.1f, from %v to %v; want %+v", tt.text, side, mean, sd, least, most, want)
			}
			if strings.HasPrefix(tt.text, "U") && (least != want.least || most != want.most) {
				t.Errorf("%s, side %d: from %v to %v are drawn", tt.text, side, least, most)
			}
		}
	}
}

func TestScenarioErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "another form"},
		{"D(1024)", "another form"},
		{"D(1024,256)/(1,1)", "another form"},
		{"N(480,240)", "another form"},
		{"n(480,240)/(300,150)", "another form"},
		{"D(ten,256)", `INPUT is "ten"`},
		{"D(0,256)", `INPUT is "0"`},
		{"D(10,-1)", `OUTPUT is "-1"`},
		{"D(10,99999999999)", `OUTPUT is "99999999999"`},
		{"U(10.5,20)/(1,2)", `MIN is "10.5"`},
		{"U(20,10)/(1,2)", "MAX 10 is below MIN 20"},
		{"N(10,-2)/(1,2)", `SD is "-2"`},
		{"N(NaN,2)/(1,2)", `MEAN is "NaN"`},
		{"N(10,2)/(1,Inf)", `SD is "Inf"`},
	}
	for _, tt := range tests {
		_, err := ParseScenario(tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), ScenarioSyntax) {
			t.Errorf("%q: error %v, want %q in it and the syntax", tt.text, err, tt.want)
		}
	}
}
