package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// good is what a client sees of an answer that is all right.
func good(l *ledger) *result {
	return &result{began: l.began.Add(time.Second), ended: l.began.Add(2 * time.Second),
		sent: true, status: 200, engines: true, complete: true, exact: true, keep: true}
}

func TestLedgerNotices(t *testing.T) {
	healthy := plan{kind: stream, events: 3, size: 10}
	record := func(outcome string) string {
		return `{"request_id":"q000000000","start":"2023-11-14T22:13:20Z","stream":true,"outcome":"` + outcome + `","status":200}` + "\n"
	}
	for _, tc := range []struct {
		name   string
		p      plan
		result func(*result)
		seen   int // times that the engine got it whole
		log    string
		outage bool
		want   string // the one kind of finding; "" for none
	}{
		{"all right", healthy, nil, 1, record("complete"), false, ""},
		{"no Record", healthy, nil, 1, "", false, lostRecord},
		{"no Record of what was refused", healthy, func(r *result) { r.engines, r.exact, r.status = false, false, 503 }, 0, "", true, lostRecord},
		{"no Record, and the client knows nothing", healthy, func(r *result) { r.sent, r.left, r.status, r.complete = false, true, 0, false }, 0, "", false, ""},
		{"no Record of what only the engine saw", healthy, func(r *result) { r.sent, r.left, r.status, r.complete = false, true, 0, false }, 1, "", false, lostRecord},
		{"two Records", healthy, nil, 1, record("complete") + record("complete"), false, extraRecord},
		{"a Record of nobody's", healthy, nil, 1, record("complete") + strings.Replace(record("complete"), "q000000000", "q000000007", 1), false, strangeRecord},
		{"another count of tokens", healthy, nil, 1, strings.Replace(record("complete"), "}", `,"token_source":"usage","completion_tokens":4}`, 1), false, wrongTokens},
		{"the engine's count of tokens", healthy, nil, 1, strings.Replace(record("complete"), "}", `,"token_source":"usage","completion_tokens":3}`, 1), false, ""},
		{"an estimate of tokens", healthy, nil, 1, strings.Replace(record("complete"), "}", `,"token_source":"events","completion_tokens":4}`, 1), false, ""},
		{"no answer over a new connection, and no Record", healthy, func(r *result) { r.status, r.engines, r.complete, r.exact, r.err = 0, false, false, false, io.EOF }, 0, "", true, lostRecord},
		{"no answer over an old connection, and no Record", healthy, func(r *result) {
			r.status, r.engines, r.complete, r.exact, r.err, r.reused = 0, false, false, false, io.EOF, true
		}, 0, "", true, ""},
		{"a Record of the proxy's own id too many", healthy, nil, 1, record("complete") + strings.Replace(record("error"), "q000000000", "0123456789abcdef01234567", 1), false, strangeRecord},
		{"a Record of a head that was cut", plan{kind: get, client: client{leave: "head", how: "fin"}}, func(r *result) { r.sent, r.left, r.status = false, true, 0 }, 0, strings.Replace(record("client_abort"), "q000000000", "0123456789abcdef01234567", 1), false, ""},
		{"an outcome that can't be", healthy, nil, 1, record("truncated"), false, wrongOutcome},
		{"the same while the engine was dead", healthy, nil, 1, record("truncated"), true, ""},
		{"at the engine twice", healthy, nil, 2, record("complete"), false, sentTwice},
		{"a half request taken for whole", plan{kind: whole, client: client{leave: "body", how: "fin"}}, func(r *result) { r.left = true }, 1, record("client_abort"), false, halfRequest},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLedger()
			tc.p.id = l.open(1)
			if tc.outage {
				l.dies(l.began.Add(time.Second))
				l.lives(l.began.Add(3 * time.Second))
			}
			r := good(l)
			if tc.result != nil {
				tc.result(r)
			}
			for range tc.seen {
				l.arrived(&tc.p)
				l.whole(&tc.p)
			}
			l.close(&tc.p, r)
			l.judge(&tc.p, r)
			if err := readRecords(strings.NewReader(tc.log), l.record); err != nil {
				t.Fatal(err)
			}
			l.reconcile()
			for kind, f := range l.of {
				if kind != tc.want {
					t.Errorf("%s: %q", kind, f.Examples)
				}
			}
			if tc.want != "" && l.count(tc.want) != 1 {
				t.Errorf("not noticed: %s", tc.want)
			}
		})
	}
}

func TestSmuggledIsNoticed(t *testing.T) {
	for _, which := range []int64{0, 1} {
		l := newLedger()
		first := l.open(2)
		l.change(first, func(e *entry) { e.kind = malformedKind + "a" })
		l.change(first+1, func(e *entry) { e.kind = smuggledKind + "a" })
		l.arrived(&plan{id: first + which})
		l.reconcile()
		if l.count(smuggled) != 1 {
			t.Errorf("%d: %v", which, l.of)
		}
	}
}

func TestVerdict(t *testing.T) {
	l := newLedger()
	healthy := plan{kind: stream, events: 3}
	faulty := func(fault string) plan { return plan{kind: stream, events: 3, fault: fault, at: 1} }
	own := func(status int) func(*result) {
		return func(r *result) { r.engines, r.exact, r.status = false, false, status }
	}
	short := func(r *result) { r.complete, r.exact, r.keep, r.err = false, false, false, io.ErrUnexpectedEOF }
	for _, tc := range []struct {
		name   string
		p      plan
		change func(*result)
		outage bool
		want   string
	}{
		{"good", healthy, nil, false, ""},
		{"broken stream", healthy, short, false, failedRequest},
		{"broken while the engine was dead", healthy, short, true, ""},
		{"an error for no reason", healthy, own(502), false, failedRequest},
		{"an error while the engine was dead", healthy, own(502), true, ""},
		{"no answer", healthy, func(r *result) { short(r); r.status, r.engines = 0, false }, false, failedRequest},
		{"another's bytes", healthy, func(r *result) { r.alien, r.wrong = true, "x" }, false, alienBytes},
		{"another's bytes while the engine was dead", healthy, func(r *result) { r.alien, r.wrong = true, "x" }, true, alienBytes},
		{"wrong bytes", healthy, func(r *result) { r.exact, r.wrong = false, "x" }, false, wrongBytes},
		{"a cut answer that looks whole", healthy, func(r *result) { r.exact = false }, true, falseEnd},
		{"hung", healthy, func(r *result) { short(r); r.hung = true }, true, hungRequest},
		{"chunks for HTTP/1.0", healthy, func(r *result) { r.unreadable = true }, false, unreadable},
		{"reset in the middle, told", faulty(rstMid), short, false, ""},
		{"reset in the middle, an error", faulty(rstMid), own(502), false, ""},
		{"reset in the middle, looks whole", faulty(rstMid), func(r *result) { r.exact = false }, false, falseEnd},
		{"reset in the middle, wrong bytes before", faulty(rstMid), func(r *result) { short(r); r.wrong = "x" }, false, wrongBytes},
		{"garbage, refused", faulty(garbage), own(502), false, ""},
		{"garbage, the connection is closed", faulty(garbage), func(r *result) { short(r); r.status, r.engines = 0, false }, false, ""},
		{"garbage, passed on", faulty(garbage), nil, false, unfaithful},
		{"garbage, made into an answer", faulty(garbage), own(200), false, unfaithful},
		{"a big head, refused", faulty(bigHead), own(502), false, unfaithful},
		{"a body to the end, whole", faulty(untilClose), nil, false, ""},
		{"trailers lost", faulty(trailed), nil, false, lostTrailers},
		{"trailers there", faulty(trailed), func(r *result) {
			p := faulty(trailed)
			r.trailers = []byte(p.trailer())
		}, false, ""},
	} {
		r := good(l)
		if tc.change != nil {
			tc.change(r)
		}
		if kind, of := verdict(&tc.p, r, tc.outage); kind != tc.want {
			t.Errorf("%s: %q (%s), want %q", tc.name, kind, of, tc.want)
		}
	}
}

func TestReportIsOfItsBars(t *testing.T) {
	r := &report{Name: "x"}
	r.none(alienBytes, 0)
	if !r.met() {
		t.Error("a bar that was met counts as missed")
	}
	r.none(lostRecord, 1)
	if r.met() {
		t.Error("a bar that was missed counts as met")
	}
	var text, table strings.Builder
	r.text(&text)
	r.markdown(&table)
	if !strings.Contains(text.String(), "MISSED "+lostRecord) || !strings.Contains(table.String(), "| "+lostRecord+" | 1 | 0 (missed) |") {
		t.Errorf("%s\n%s", text.String(), table.String())
	}
}

func TestFiguresArePutIntoTheirPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doc.md")
	write := func(s string) {
		if err := os.WriteFile(path, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("# a\n" + figuresBegin + "old\n" + figuresEnd + "b\n")
	r := &report{Name: "soak", Counts: map[string]int{"stream": 3}}
	r.figure("requests", "%d", 3)
	for range 2 { // again over its own
		if err := update(path, []*report{r}); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	if !strings.HasPrefix(doc, "# a\n"+figuresBegin) || !strings.HasSuffix(doc, figuresEnd+"b\n") || strings.Contains(doc, "old") ||
		strings.Count(doc, "| requests | 3 |") != 1 || !strings.Contains(doc, "Requests: stream 3.") {
		t.Error(doc)
	}
	write("no place")
	if err := update(path, nil); err == nil {
		t.Error("a document without a place for figures was written")
	}
}

func TestWrongUse(t *testing.T) {
	for name, args := range map[string][]string{
		"nothing": nil, "no such": {"run"}, "bad flag": {"soak", "-x"}, "no time": {"soak", "-duration", "0s"},
		"share": {"soak", "-faults", "2"}, "other proxy without engine": {"streams", "-against", "127.0.0.1:1"},
	} {
		var out, err strings.Builder
		if code := run(context.Background(), args, &out, &err); code != 2 || err.Len() == 0 {
			t.Errorf("%s: exit code %d, %q", name, code, err.String())
		}
	}
}
