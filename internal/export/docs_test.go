package export

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestEveryKeyIsDocumented reads docs/formats.md: what a key holds here is not
// to be guessed from what it holds there.
func TestEveryKeyIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, v := range []any{vllmFile{}, aiperfRecord{}, aiperfMetadata{}, aiperfMetric{}, aiperfError{}, pyFile{}, pyResult{}, pyReliability{}, pyPhased{}} {
		for f := range fields(reflect.TypeOf(v)) {
			n++
			if !strings.Contains(string(text), "`"+f+"`") && !strings.Contains(string(text), "`"+f+".") && !strings.Contains(string(text), "."+f+"`") {
				t.Errorf("%s of %T is not documented", f, v)
			}
		}
	}
	if n < 55 {
		t.Errorf("only %d keys were found", n)
	}
}

// fields are the JSON keys of a struct.
func fields(t reflect.Type) map[string]bool {
	keys := make(map[string]bool)
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		keys[name] = true
	}
	return keys
}
