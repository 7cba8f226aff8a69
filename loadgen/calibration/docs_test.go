package calibration

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestEveryKeyIsDocumented reads docs/results.md, as people do who read the file.
func TestEveryKeyIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/results.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## The calibration")
	if !ok {
		t.Fatal("the section is missing")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	n := 0
	for _, v := range []any{Calibration{}, Machine{}, Level{}} {
		for i := range reflect.TypeOf(v).NumField() {
			key, _, _ := strings.Cut(reflect.TypeOf(v).Field(i).Tag.Get("json"), ",")
			if n++; !strings.Contains(section, "`"+key+"`") {
				t.Errorf("key %q is not documented", key)
			}
		}
	}
	if n < 30 {
		t.Errorf("only %d keys were found", n)
	}
}
