package wire

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

func TestStringEnd(t *testing.T) {
	for _, length := range []int{0, 1, 30, 31, 32, 33, 34, 35, 64, 100} {
		for slashes := range 5 {
			s := `"` + strings.Repeat("x", length) + strings.Repeat(`\`, slashes) + `"`
			want := len(s)
			if slashes%2 == 1 {
				want = -1 // the quote is escaped
			}
			if got := stringEnd([]byte(s), 0); got != want {
				t.Errorf("%q: %d, want %d", s, got, want)
			}
			if got := stringEnd([]byte(s+`" more`), 0); want < 0 && got != len(s)+1 {
				t.Errorf("%q and a quote: %d", s, got)
			}
		}
	}
}

// FuzzMembers: on valid JSON the members are those that gjson finds.
func FuzzMembers(f *testing.F) {
	f.Add(`{"a":1,"b":"x\"y","c":[{"d":"}"}],"e":{"f":null}, "g" : true }`)
	f.Add(`{"` + strings.Repeat(`\\`, 40) + `":"` + strings.Repeat("y", 40) + `\""}`)
	f.Fuzz(func(t *testing.T, s string) {
		if !gjson.Valid(s) || !gjson.Parse(s).IsObject() {
			members([]byte(s), func(member) bool { return true }) // no panic
			return
		}
		var keys, values []string
		if !members([]byte(s), func(m member) bool {
			keys, values = append(keys, string(m.key)), append(values, string(m.value))
			return true
		}) {
			t.Fatalf("%q is not read to its end", s)
		}
		i := 0
		gjson.Parse(s).ForEach(func(k, v gjson.Result) bool {
			if i >= len(keys) || `"`+keys[i]+`"` != k.Raw || values[i] != v.Raw {
				t.Fatalf("%q: member %d is %q: %q, found %q: %q", s, i, k.Raw, v.Raw, keys, values)
			}
			i++
			return true
		})
		if i != len(keys) {
			t.Fatalf("%q has %d members, found %d", s, i, len(keys))
		}
	})
}
