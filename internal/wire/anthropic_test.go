package wire

import (
	"slices"
	"testing"

	"tokenomics/internal/record"
)

// TestAPromptThatNamesNoCacheIsInDoubt: SGLang's Messages tell one token of a
// prompt whose rest the cache answered, and do not say so.
func TestAPromptThatNamesNoCacheIsInDoubt(t *testing.T) {
	for name, c := range map[string]struct {
		usage string
		doubt bool
	}{
		"no cache named": {`{"input_tokens":1,"output_tokens":3}`, true},
		"nothing cached": {`{"input_tokens":10,"output_tokens":3,"cache_read_input_tokens":0}`, false},
		"nine cached":    {`{"input_tokens":1,"output_tokens":3,"cache_read_input_tokens":9}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			q := ReadQuery("POST", "/v1/messages", []byte(`{"model":"m","max_tokens":9}`))
			o := NewObserver(Config{Query: q})
			o.Head(1, AnswerHead{Status: 200, ContentType: "application/json"})
			o.Feed(2, []byte(`{"id":"a","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":`+c.usage+`}`))
			var r record.Record
			o.End(3, record.Complete, &r)
			if got := slices.Contains(r.Warnings, promptWithoutCache); got != c.doubt || r.Outcome != record.Complete {
				t.Errorf("warnings %q, outcome %v; want the doubt %v", r.Warnings, r.Outcome, c.doubt)
			}
		})
	}
}
