package dataset

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// parquetRow is what the tests' Parquet files hold.
type parquetRow struct {
	ID       int64    `parquet:"ID"`
	Question *string  `parquet:"Question,optional,dict"`
	Plain    string   `parquet:"plain"`
	Tags     []string `parquet:"tags,list"`
}

func parquetFile(t *testing.T, rows []parquetRow) string {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[parquetRow](&b, parquet.Compression(&parquet.Zstd))
	for i, row := range rows { // a row group for every two rows
		if _, err := w.Write([]parquetRow{row}); err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func someRows() []parquetRow {
	text := func(s string) *string { return &s }
	return []parquetRow{
		{1, text("one?"), "p1", []string{"a"}},
		{2, nil, "p2", nil},
		{3, text("three,\nwith a line end"), "p3", nil},
		{4, text("  "), "p4", nil},
		{5, text("fünf?"), "p5", []string{"b", "c"}},
	}
}

func texts(d *Dataset) []string {
	out := make([]string, d.Len())
	for i := range out {
		out[i] = d.At(i).Text
	}
	return out
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenFile(t *testing.T) {
	pq := parquetFile(t, someRows())
	for _, tc := range []struct {
		name    string
		file    string
		content string
		column  string
		max     int
		want    []string
		rows    []int // nil: not looked at
	}{
		{"text: a prompt a line, blank ones left out", "a.txt", "one\n\n two \r\n\t\nthree", "", 0,
			[]string{"one", " two ", "three"}, []int{1, 3, 5}},
		{"text: byte order mark", "a.TXT", "\xef\xbb\xbfone\n", "", 0, []string{"one"}, nil},
		{"text: the first two", "a.txt", "one\ntwo\nthree\n", "", 2, []string{"one", "two"}, nil},
		{"csv: quoted line ends, commas and quotes", "a.csv", "ID,Question\n1,\"a, \"\"b\"\"\nc\"\n2,\n3,d\n", "", 0,
			[]string{"a, \"b\"\nc", "d"}, []int{1, 3}},
		{"csv: byte order mark and line ends of two bytes", "a.csv", "\xef\xbb\xbfprompt,x\r\nhello,1\r\n", "", 0, []string{"hello"}, nil},
		{"csv: the order of guesses beats that of columns", "a.csv", "text,PROMPT\nt,p\n", "", 0, []string{"p"}, nil},
		{"csv: a named column", "a.csv", "prompt,other\np,o\n", "other", 0, []string{"o"}, nil},
		{"csv: a named column in another case", "a.csv", "x,Other\np,o\n", "oTHER", 0, []string{"o"}, nil},
		{"csv: the exact spelling first", "a.csv", "other,Other\n1,2\n", "Other", 0, []string{"2"}, nil},
		{"json: objects", "a.json", `[{"question":"a"},{"question":null},{"question":"b\u00e9"}]`, "", 0, []string{"a", "bé"}, []int{1, 3}},
		{"json: strings", "a.json", ` ["a", "", "b"] `, "", 0, []string{"a", "b"}, nil},
		{"json: under data", "a.json", `{"version":1,"data":[{"problem":"a","n":1}]}`, "", 0, []string{"a"}, nil},
		{"json: enough before the damage", "a.json", `["a","b",`, "", 2, []string{"a", "b"}, nil},
		{"jsonl: objects, strings, blank lines", "a.jsonl", "{\"prompt\":\"a\"}\n\n\"b\"\n{\"prompt\":\"c\",\"x\":[1]}", "", 0,
			[]string{"a", "b", "c"}, []int{1, 3, 4}},
		{"parquet: guessed", "a.parquet", pq, "", 0, []string{"one?", "three,\nwith a line end", "fünf?"}, []int{1, 3, 5}},
		{"parquet: named", "a.parquet", pq, "plain", 0, []string{"p1", "p2", "p3", "p4", "p5"}, nil},
		{"parquet: the first of a list", "a.parquet", pq, "tags", 0, []string{"a", "b"}, []int{1, 5}},
		{"parquet: the first two", "a.parquet", pq, "Plain", 2, []string{"p1", "p2"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := writeFile(t, tc.file, tc.content)
			d, err := Open(context.Background(), Config{Key: "ignored", File: path, PromptColumn: tc.column, MaxPrompts: tc.max})
			if err != nil {
				t.Fatal(err)
			}
			if got := texts(d); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("prompts %q, want %q", got, tc.want)
			}
			if tc.rows != nil {
				for i, row := range tc.rows {
					if d.At(i).Row != row {
						t.Errorf("prompt %d is of row %d, want %d", i, d.At(i).Row, row)
					}
				}
			}
			if d.Name() != tc.file || !strings.Contains(d.Source(), path) {
				t.Errorf("name %q, source %q", d.Name(), d.Source())
			}
		})
	}
}

func TestOpenFileErrors(t *testing.T) {
	pq := parquetFile(t, someRows())
	cut := []byte(pq)
	for i := 4; i < len(cut)/4; i++ { // pages: the footer is at the end
		cut[i] ^= 0xff
	}
	for _, tc := range []struct {
		name    string
		file    string
		content string
		column  string
		want    []string // all in the message
	}{
		{"kind", "a.xlsx", "x", "", []string{`".xlsx"`, ".parquet"}},
		{"no kind", "prompts", "x", "", []string{"unknown file kind", ".txt"}},
		{"empty text", "a.txt", "\n \n", "", []string{"no prompts"}},
		{"column of a text", "a.txt", "x", "prompt", []string{"no columns", "--prompt-column"}},
		{"not UTF-8", "a.txt", "ok\n\xff\xfe\n", "", []string{"row 2", "UTF-8"}},
		{"empty csv", "a.csv", "", "", []string{"empty", "first line"}},
		{"csv of a header alone", "a.csv", "prompt\n", "", []string{"no prompts"}},
		{"csv without the column", "a.csv", "a,b\n1,2\n", "prompt", []string{`no column "prompt"`, `"a", "b"`}},
		{"csv without a guess", "a.csv", "a,b\n1,2\n", "", []string{"--prompt-column", `"a", "b"`}},
		{"csv with a short row", "a.csv", "a,prompt\n1,2\n1\n", "", []string{"line 3", "fields"}},
		{"csv with bad quotes", "a.csv", "a,prompt\n1,\"x\"y\n", "", []string{"line 2", "quot"}},
		{"csv with an open quote", "a.csv", "a,prompt\n1,\"x\n\n", "", []string{"starts on line 2", "quot"}},
		{"bad jsonl", "a.jsonl", "{\"prompt\":\"a\"}\n{\"prompt\":\n", "", []string{"line 2", "bad JSON"}},
		{"jsonl of numbers", "a.jsonl", "12\n", "", []string{"line 1", "neither an object nor a string"}},
		{"jsonl column lost", "a.jsonl", "{\"prompt\":\"a\"}\n{\"text\":\"b\"}\n", "", []string{"line 2", `no column "prompt"`, `"text"`}},
		{"json column of objects", "a.json", `[{"prompt":{"a":1}}]`, "", []string{"item 1", "objects", "--prompt-column"}},
		{"bad json", "a.json", "[\n{\"prompt\":\"a\"},\n{\"prompt\" \"b\"}\n]", "", []string{"item 2", "line 3"}},
		{"cut json", "a.json", "[\n{\"prompt\":\"a\"},\n", "", []string{"line 3", "whole"}},
		{"json without rows", "a.json", `{"rows":[],"n":1}`, "", []string{`"rows", "n"`, "jsonl"}},
		{"json of one value", "a.json", `12`, "", []string{"array"}},
		{"json with a data object", "a.json", `{"data":{}}`, "", []string{`"data"`}},
		{"empty json", "a.json", ``, "", []string{"line 1", "whole"}},
		{"not parquet", "a.parquet", "not one at all", "", []string{"Parquet"}},
		{"cut parquet", "a.parquet", pq[:len(pq)/2], "", []string{"Parquet"}},
		{"damaged parquet", "a.parquet", string(cut), "", []string{"damaged Parquet"}},
		{"parquet without the column", "a.parquet", pq, "answer", []string{`no column "answer"`, `"Question"`, `"tags"`}},
		{"parquet column of numbers", "a.parquet", pq, "ID", []string{`"ID"`, "no text", "--prompt-column"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := writeFile(t, tc.file, tc.content)
			_, err := Open(context.Background(), Config{File: path, PromptColumn: tc.column})
			checkError(t, err, ErrConfig, append(tc.want, path)...)
		})
	}
	t.Run("missing", func(t *testing.T) {
		_, err := Open(context.Background(), Config{File: "/no/such/file.txt"})
		checkError(t, err, ErrConfig, "/no/such/file.txt", "no such file")
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v does not match os.ErrNotExist", err)
		}
	})
	t.Run("directory", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "x.csv")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := Open(context.Background(), Config{File: dir})
		checkError(t, err, ErrConfig, "regular file")
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := Open(ctx, Config{File: writeFile(t, "a.txt", "x")})
		if !errors.Is(err, context.Canceled) || errors.Is(err, ErrConfig) {
			t.Errorf("error %v", err)
		}
	})
}

// checkError fails t unless err is of kind and a single line with all of want.
func checkError(t *testing.T, err, kind error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if !errors.Is(err, kind) {
		t.Errorf("error %q is not %q", err, kind)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q lacks %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q has more than one line", err)
	}
}
