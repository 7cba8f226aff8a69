package trace

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const mooncakeSample = `{"timestamp": 0, "input_length": 1300, "output_length": 52, "hash_ids": [46, 47, 48]}
{"timestamp": 1500, "input_length": 1024, "output_length": 26, "hash_ids": [46, 47]}

{"timestamp": 3052.5, "input_length": 7, "output_length": 1}
`

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open1(t *testing.T, content string) *Trace {
	t.Helper()
	tr, err := Open(writeFile(t, "sample", content))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func requests(tr *Trace) []Request {
	out := make([]Request, tr.Len())
	for i := range out {
		out[i] = tr.At(i)
	}
	return out
}

func TestOpen(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	for _, tc := range []struct {
		name    string
		content string
		want    []Request
		notes   []string // a part of each
	}{
		{"mooncake", mooncakeSample, []Request{
			{0, 1300, 52, []int64{46, 47, 48}}, {1500 * ms, 1024, 26, []int64{46, 47}}, {3052500 * time.Microsecond, 7, 1, nil},
		}, nil},
		{"mooncake: starts late, keys we do not know, empty ids", `{"timestamp":1000,"input_length":5,"output_length":6,"hash_ids":[],"session_id":"x"}` + "\n" +
			`{"timestamp":1001,"input_length":5,"output_length":6,"hash_ids":null}`,
			[]Request{{0, 5, 6, nil}, {ms, 5, 6, nil}}, nil},
		{"azure of 2023", "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9951690,396,109",
			[]Request{{0, 374, 44, nil}, {4314579 * time.Microsecond, 396, 109, nil}}, nil},
		{"azure of 2024, with a zone, past midnight", "\xef\xbb\xbfTIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 23:59:59.500000+00:00,2162,5\n2024-05-11 00:00:00+00:00,2399,6\n",
			[]Request{{0, 2162, 5, nil}, {500 * ms, 2399, 6, nil}}, nil},
		{"burstgpt", "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n" +
			"45,GPT-4,1087,0,1087,API log\n118.25,GPT-4,417,276,693,Conversation log\n",
			[]Request{{0, 472, 18, nil}, {113250 * ms, 417, 276, nil}}, []string{"1 of 3 rows"}},
		{"burstgpt with sessions and quotes", "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n" +
			"0,\"a,b\",1.5,ChatGPT,10,20.0,30,API log\n", []Request{{0, 10, 20, nil}}, nil},
		{"out of order, equal times keep theirs", "Timestamp,Model,Request tokens,Response tokens\n9,a,1,1\n7,a,2,1\n9,a,3,1\n8,a,4,1\n",
			[]Request{{0, 2, 1, nil}, {s, 4, 1, nil}, {2 * s, 1, 1, nil}, {2 * s, 3, 1, nil}}, []string{"2 of 4 requests are not in order"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tr := open1(t, tc.content)
			if got := requests(tr); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("requests %v, want %v", got, tc.want)
			}
			if tr.Name() != "sample" {
				t.Errorf("name %q", tr.Name())
			}
			notes := tr.Notes()
			if len(notes) != len(tc.notes) {
				t.Fatalf("notes %q, want %q", notes, tc.notes)
			}
			for i, want := range tc.notes {
				if !strings.Contains(notes[i], want) {
					t.Errorf("note %q lacks %q", notes[i], want)
				}
			}
		})
	}
}

func TestOpenErrors(t *testing.T) {
	const azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
	const burst = "Timestamp,Model,Request tokens,Response tokens\n"
	for _, tc := range []struct {
		name    string
		content string
		want    []string
	}{
		{"empty", "\n\n", []string{"empty"}},
		{"another table", "a,b\n1,2\n", []string{"line 1", "Mooncake", "BurstGPT", "Azure"}},
		{"another object", `{"prompt":"x"}`, []string{"line 1", "input_length", "Azure"}},
		{"a header alone", azure, []string{"no request", "0 rows"}},
		{"failed rows alone", burst + "1,a,1,0\n", []string{"no request", "1 rows"}},
		{"bad JSON", mooncakeSample + `{"timestamp":`, []string{"line 5", "bad JSON"}},
		{"text for a number", mooncakeSample + `{"timestamp":1,"input_length":"5","output_length":6}`, []string{"line 5", "input_length", "string"}},
		{"a key that is lost", mooncakeSample + `{"timestamp":1,"input_length":5}`, []string{"line 5", "output_length"}},
		{"blocks of another size", `{"timestamp":1,"input_length":64,"output_length":6,"hash_ids":[1,2,3,4]}`, []string{"line 1", "4 hash_ids", "512"}},
		{"negative tokens", `{"timestamp":1,"input_length":-64,"output_length":6}`, []string{"line 1", "-64"}},
		{"negative time", `{"timestamp":-1,"input_length":64,"output_length":6}`, []string{"line 1", "-1"}},
		{"no time", azure + "yesterday,1,2\n", []string{"line 2", `"yesterday"`}},
		{"no seconds", burst + "NaN,a,1,2\n", []string{"line 2", "NaN"}},
		{"no number of tokens", burst + "1,a,1,2\n2,a,x,2\n", []string{"line 3", "Request tokens", `"x"`}},
		{"half a token", burst + "1,a,1.5,2\n", []string{"line 2", "Request tokens", `"1.5"`}},
		{"a short row", burst + "1,a,1\n", []string{"line 2", "3 fields", "4"}},
		{"an open quote", burst + "1,\"a,1,2\n", []string{"line 2", "quot"}},
		{"too many tokens", burst + "1,a,1000000000,2\n", []string{"line 2", "1000000000"}},
		{"a line without end", strings.Repeat(" ", maxLineBytes+1), []string{"line 1", "MiB"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := writeFile(t, "t.trace", tc.content)
			_, err := Open(path)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range append(tc.want, path) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q has more than one line", err)
			}
		})
	}
	for _, path := range []string{t.TempDir(), "/no/such/file"} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v", path, err)
		}
	}
}

func TestWindow(t *testing.T) {
	tr := open1(t, mooncakeSample) // at 0, 1.5 s, 3.0525 s
	const ms = time.Millisecond
	for _, tc := range []struct {
		name     string
		from, to time.Duration
		want     []time.Duration
		err      string // part of the error, where there is one
	}{
		{"all", 0, 0, []time.Duration{0, 1500 * ms, 3052500 * time.Microsecond}, ""},
		{"from its edge to before its end", 1500 * ms, 3052500 * time.Microsecond, []time.Duration{0}, ""},
		{"the start is from's, not the request's", 1000 * ms, 0, []time.Duration{500 * ms, 2052500 * time.Microsecond}, ""},
		{"nothing there", 1600 * ms, 3000 * ms, nil, "came from 1.6s to 3s: its last came at 3.0525s"},
		{"past the end", time.Hour, 0, nil, "came at 1h0m0s or later: its last came at 3.0525s"},
		{"backwards", 2000 * ms, 1000 * ms, nil, "holds no time"},
		{"before the start", -ms, 0, nil, "holds no time"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, err := tr.Window(tc.from, tc.to)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("error %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []time.Duration
			for _, r := range requests(w) {
				got = append(got, r.At)
			}
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("times %v, want %v", got, tc.want)
			}
		})
	}
	if tr.At(1).At != 1500*ms {
		t.Error("a window moved the trace itself")
	}
}

func TestScaled(t *testing.T) {
	tr := open1(t, mooncakeSample)
	half, err := tr.Scaled(0.5)
	if err != nil {
		t.Fatal(err)
	}
	if half.At(1).At != 750*time.Millisecond || tr.At(1).At != 1500*time.Millisecond {
		t.Errorf("scaled %v, itself %v", half.At(1).At, tr.At(1).At)
	}
	nan := 0.0
	for _, factor := range []float64{0, -1, nan / nan, 1e30} {
		if _, err := tr.Scaled(factor); err == nil {
			t.Errorf("stretched by %v", factor)
		}
	}
}

func TestDigestTellsLoadsApart(t *testing.T) {
	base := `{"timestamp":0,"input_length":600,"output_length":6,"hash_ids":[1,2]}` + "\n"
	seen := map[string]string{}
	for _, content := range []string{
		base + base,
		base + strings.Replace(base, ":0", ":1", 1),
		base + strings.Replace(base, "600", "601", 1),
		base + strings.Replace(base, ":6,", ":7,", 1),
		base + strings.Replace(base, "[1,2]", "[1,3]", 1),
		base + strings.Replace(base, "[1,2]", "[]", 1),
		base,
	} {
		d := open1(t, content).Digest()
		if other, ok := seen[d]; ok {
			t.Errorf("%q and %q have one digest", content, other)
		}
		seen[d] = content
	}
	if first, again := open1(t, base).Digest(), open1(t, base).Digest(); first != again {
		t.Error("read twice, the digests differ")
	}
}

// Where it says that it stops, it does: bounds are checked row by row.
func TestBounds(t *testing.T) {
	full := collector{requests: make([]Request, maxRequests)}
	if err := full.add(Request{Input: 1, Output: 1}); err == nil || !strings.Contains(err.Error(), "10000000") {
		t.Errorf("one request too many: %v", err)
	}
	many := collector{blocks: maxBlocks - 1}
	if err := many.add(Request{Input: 513, Output: 1, Blocks: []int64{1, 2}}); err == nil || !strings.Contains(err.Error(), "block ids") {
		t.Errorf("one id too many: %v", err)
	}
}
