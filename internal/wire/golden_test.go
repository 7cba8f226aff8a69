package wire

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http/httputil"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"tokenomics/internal/record"
)

var update = flag.Bool("update", false, "write what is measured into the dialects' goldens")

// timedRead is one read of the socket, of the body alone.
type timedRead struct {
	at time.Duration
	p  []byte
}

// reads are the capture's reads as the relay sees them: when the head was
// whole, and what each read brought of the body, without its transfer coding.
func (c capture) reads(t *testing.T) (head time.Duration, list []timedRead) {
	t.Helper()
	raw, passed, seen := c.raw, 0, 0
	bodyAt := bytes.Index(raw, []byte("\r\n\r\n")) + 4
	for line := range strings.Lines(c.about["reads"]) {
		at, n, ok := strings.Cut(strings.TrimSpace(line), " ")
		ns, err1 := strconv.ParseInt(at, 10, 64)
		size, err2 := strconv.Atoi(n)
		if !ok || err1 != nil || err2 != nil {
			t.Fatalf("reads: %q", line)
		}
		passed += size
		if passed >= bodyAt && head == 0 {
			head = time.Duration(ns)
		}
		if body := c.decoded(raw[bodyAt:max(bodyAt, passed)]); len(body) > seen {
			list = append(list, timedRead{time.Duration(ns), body[seen:]})
			seen = len(body)
		}
	}
	return head, list
}

// decoded is as much of the body as these bytes have of it.
func (c capture) decoded(p []byte) []byte {
	if !slices.Contains(c.response.TransferEncoding, "chunked") {
		return p
	}
	body, _ := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(p))) // the error is that it goes on
	return body
}

// measure is the Record of the capture, as its reads came.
func (c capture) measure(t *testing.T) *record.Record {
	t.Helper()
	query := ReadQuery(c.method, c.path, c.request)
	live := new(record.Live)
	r := NewRelay(Config{Query: query, ErrorText: true, Live: live}, Strip{}, nil)
	at, list := c.reads(t)
	r.Head(at, c.head())
	var out bytes.Buffer
	for _, read := range list {
		at = read.at
		out.Write(r.Feed(at, read.p))
	}
	rec := &record.Record{Sent: record.Some(time.Duration(0)), RequestBytes: int64(len(c.request))}
	how := record.Complete
	if c.about["how"] != "" {
		how = record.Outcome(c.about["how"])
	}
	r.End(at+time.Millisecond, how, rec)
	if !bytes.Equal(out.Bytes(), c.body) {
		t.Errorf("the body changed: %q", out.Bytes())
	}
	if got, want := live.Streamed(), rec.Usage.Completion.Or(live.Streamed()); got < want {
		t.Errorf("live counter at %d, want %d", got, want)
	}
	if live.Panics.Load() > 0 {
		t.Error("a panic in measuring")
	}
	return rec
}

// TestDialects: the exchanges of testdata/dialects, one for each row and each
// surprise of WIRE.md, come to the Record that stands at their end.
func TestDialects(t *testing.T) {
	names, err := filepath.Glob("testdata/dialects/*.txtar")
	if err != nil || len(names) < 100 {
		t.Fatalf("%d goldens, %v", len(names), err)
	}
	for _, file := range names {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			c := readCapture(t, "dialects/"+name)
			got := golden(t, c.measure(t))
			if *update {
				rewrite(t, file, got)
				return
			}
			if got != c.about["record"] {
				t.Errorf("%s\n got %s\nwant %s", c.about["note"], got, c.about["record"])
			}
		})
	}
}

// golden is a Record as the goldens have it: a key a line.
func golden(t *testing.T, r *record.Record) string {
	t.Helper()
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	lists := regexp.MustCompile(`\[[^\[\]{}]*\]`)
	b = lists.ReplaceAllFunc(b, func(list []byte) []byte { return regexp.MustCompile(`\s*\n\s*`).ReplaceAll(list, nil) })
	return string(regexp.MustCompile(`  "start": .*\n`).ReplaceAll(b, nil)) + "\n"
}

// rewrite puts the record at the end of a golden.
func rewrite(t *testing.T, file, record string) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "record" })
	archive.Files = append(archive.Files, txtar.File{Name: "record", Data: []byte(record)})
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
