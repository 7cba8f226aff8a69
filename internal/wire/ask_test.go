package wire

import "testing"

func TestEdit(t *testing.T) {
	const final, both = `"include_usage":true`, `"include_usage":true,"continuous_usage_stats":true`
	tests := []struct {
		name  string
		path  string
		body  string
		ask   Ask
		want  string // "" = left alone
		strip Strip
	}{
		{"final", "/v1/chat/completions", `{"model":"m","stream":true}`, AskFinal,
			`{"model":"m","stream":true,"stream_options":{` + final + `}}`, Strip{Final: true}},
		{"continuous", "/v1/chat/completions", `{"model":"m","stream":true}`, AskContinuous,
			`{"model":"m","stream":true,"stream_options":{` + both + `}}`, Strip{Final: true, PerEvent: true}},
		{"the rest survives to the byte", "/v1/completions", "\n{ \"seed\": 12345678901234567890 , \"t\":1.0e0,\"stream\" : true } \n", AskFinal,
			"\n{ \"seed\": 12345678901234567890 , \"t\":1.0e0,\"stream\" : true ,\"stream_options\":{" + final + "}} \n", Strip{Final: true}},
		{"client asked", "/v1/chat/completions", `{"stream":true,"stream_options":{"include_usage":true}}`, AskFinal, "", Strip{}},
		{"client asked, continuous wanted", "/v1/chat/completions", `{"stream":true,"stream_options":{"include_usage":true}}`, AskContinuous,
			`{"stream":true,"stream_options":{` + both + `}}`, Strip{PerEvent: true}},
		{"client asked for both", "/v1/chat/completions", `{"stream":true,"stream_options":{` + both + `}}`, AskContinuous, "", Strip{}},
		{"client said no", "/v1/chat/completions", `{"stream_options":{"include_usage": false, "x":1},"stream":true}`, AskFinal,
			`{"stream_options":{"include_usage": true, "x":1},"stream":true}`, Strip{Final: true}},
		{"null options", "/v1/chat/completions", `{"stream_options": null,"stream":true}`, AskFinal,
			`{"stream_options": {` + final + `},"stream":true}`, Strip{Final: true}},
		{"empty options", "/v1/chat/completions", `{"stream_options":{ },"stream":true}`, AskFinal,
			`{"stream_options":{ ` + final + `},"stream":true}`, Strip{Final: true}},
		{"other options", "/v1/chat/completions", `{"stream_options":{"x":[1,{"include_usage":0}]},"stream":true}`, AskFinal,
			`{"stream_options":{"x":[1,{"include_usage":0}],` + final + `},"stream":true}`, Strip{Final: true}},
		{"not streamed", "/v1/chat/completions", `{"model":"m","stream":false}`, AskFinal, "", Strip{}},
		{"stream is not a boolean", "/v1/chat/completions", `{"stream":"true"}`, AskFinal, "", Strip{}},
		{"other endpoint", "/v1/embeddings", `{"stream":true}`, AskFinal, "", Strip{}},
		{"key twice", "/v1/chat/completions", `{"stream":true,"stream":true}`, AskFinal, "", Strip{}},
		{"option twice", "/v1/chat/completions", `{"stream":true,"stream_options":{"include_usage":false,"include_usage":true}}`, AskFinal, "", Strip{}},
		{"option neither true nor false", "/v1/chat/completions", `{"stream":true,"stream_options":{"include_usage":"yes"}}`, AskFinal, "", Strip{}},
		{"options not an object", "/v1/chat/completions", `{"stream":true,"stream_options":[1]}`, AskFinal, "", Strip{}},
		{"not JSON", "/v1/chat/completions", `{"stream":true,`, AskFinal, "", Strip{}},
		{"invalid inside", "/v1/chat/completions", `{"stream":true,"x":[}]}`, AskFinal, "", Strip{}},
		{"JSON, then more", "/v1/chat/completions", `{"stream":true}{}`, AskFinal, "", Strip{}},
		{"array", "/v1/chat/completions", `[{"stream":true}]`, AskFinal, "", Strip{}},
		{"empty", "/v1/chat/completions", ``, AskFinal, "", Strip{}},
		{"nothing to ask", "/v1/chat/completions", `{"stream":true}`, AskNothing, "", Strip{}},
		{"escaped key", "/v1/chat/completions", `{"stream":true,"\u0073tream_options":{}}`, AskFinal, "", Strip{}},
	}
	for _, tt := range tests {
		q := ReadQuery("POST", tt.path, []byte(tt.body))
		edit, strip := q.Edit([]byte(tt.body), tt.ask)
		got := tt.body[:edit.From] + edit.With + tt.body[edit.To:]
		want := tt.want
		if want == "" {
			want = tt.body
		}
		if got != want || strip != tt.strip {
			t.Errorf("%s:\n got %s %+v\nwant %s %+v", tt.name, got, strip, want, tt.strip)
		}
	}
}

func TestReadQuery(t *testing.T) {
	q := ReadQuery("POST", "/prefix/v1/completions", []byte(`{"model":"a\"b","prompt":["x",[1,2]],"n":3,"max_tokens":7,"max_completion_tokens":9,"stream":true,"echo":true}`))
	if q.Endpoint != "completions" || q.Model != `a"b` || q.Prompts != 2 || q.N != 3 || q.MaxTokens.Or(0) != 9 || !q.Stream || !q.Echo || len(q.Warnings) > 0 {
		t.Errorf("read %+v", q)
	}
	if q := ReadQuery("POST", "/v1/chat/completions", []byte(`{"prompt":["a","b"]}`)); q.Prompts != 1 {
		t.Errorf("a chat has %d prompts", q.Prompts)
	}
	for body, want := range map[string]int{`{"prompt":"x"}`: 1, `{"prompt":[1,2,3]}`: 1, `{"prompt":[[1],[2]]}`: 2, `{"prompt":[]}`: 1, `{}`: 1} {
		if q := ReadQuery("POST", "/v1/completions", []byte(body)); q.Prompts != want {
			t.Errorf("%s: %d prompts, want %d", body, q.Prompts, want)
		}
	}
	if q := ReadQuery("POST", "/v1/embeddings", []byte("not json")); len(q.Warnings) != 1 {
		t.Errorf("no warning about a body that is not JSON")
	}
}
