package results

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"tokenomics/internal/stats"
)

// keysOf collects the JSON keys of a struct, embedded ones included.
func keysOf(t reflect.Type, add func(key string)) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			keysOf(f.Type, add)
			continue
		}
		if !f.IsExported() {
			continue
		}
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "-" {
			add(name)
		}
	}
}

// TestEveryKeyIsDocumented reads docs/results.md: a key that is written and
// not told of there is of no use to anybody.
func TestEveryKeyIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/results.md")
	if err != nil {
		t.Fatal(err)
	}
	sweep, line, ok := strings.Cut(string(text), "\n## One request a line")
	if !ok {
		t.Fatal("the section on the request lines is missing")
	}
	n := 0
	check := func(in string) func(string) {
		return func(key string) {
			n++
			if !strings.Contains(in, "`"+key+"`") {
				t.Errorf("key %q is not documented", key)
			}
		}
	}
	for _, v := range []any{Results{}, Metadata{}, Point{}, Run{}, stats.Quantiles{}, Load{}, Second{}, Interval{}, Sustainable{}, Instrument{}, EngineSide{}, Hop{}, Cost{},
		Comparison{}, ComparedPoint{}, ComparedFigure{}} {
		keysOf(reflect.TypeOf(v), check(sweep))
	}
	source, err := os.ReadFile("../record/jsonl.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("`json:\"([a-z0-9_]+)").FindAllSubmatch(source, -1) {
		check(line)(string(m[1]))
	}
	if n < 120 {
		t.Errorf("only %d keys were found", n)
	}
}
