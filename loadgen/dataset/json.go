package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// jsonRows turns rows of JSON, each a string or an object, into prompts. The
// column is settled by the first object.
type jsonRows struct {
	want   string // asked for, or ""
	column string // settled, or "" while no object was seen
}

// text returns the prompt in one row; "" where its column holds null.
func (j *jsonRows) text(raw []byte) (string, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '"' {
		var s string
		return s, json.Unmarshal(raw, &s)
	}
	if len(raw) == 0 || raw[0] != '{' {
		if !json.Valid(raw) {
			return "", json.Unmarshal(raw, new(any))
		}
		return "", errors.New("neither an object nor a string")
	}
	var obj map[string]json.RawMessage
	if err := json.Unmarshal(raw, &obj); err != nil {
		return "", err
	}
	if j.column == "" {
		have := sortedKeys(obj)
		i, err := chooseColumn(have, j.want)
		if err != nil {
			return "", err
		}
		j.column = have[i]
	}
	val, ok := obj[j.column]
	if !ok {
		return "", configErrorf("no column %q: it has %s", j.column, listed(sortedKeys(obj)))
	}
	if string(val) == "null" {
		return "", nil
	}
	if val[0] != '"' {
		return "", configErrorf("column %q holds no text but %s: name another with --prompt-column; it has %s",
			j.column, jsonType(val[0]), listed(sortedKeys(obj)))
	}
	var s string
	return s, json.Unmarshal(val, &s)
}

// readJSONL reads one JSON object or string per line. Row is the line's number.
func readJSONL(f *os.File, _ int64, column string, add func(int, string) error) error {
	rows := jsonRows{want: column}
	return eachLine(f, func(line int, raw []byte) error {
		if len(bytes.TrimSpace(raw)) == 0 {
			return nil
		}
		text, err := rows.text(raw)
		if errors.Is(err, ErrConfig) {
			return fmt.Errorf("line %d: %w", line, err)
		}
		if err != nil {
			return fmt.Errorf("bad JSON on line %d: %w", line, err)
		}
		return add(line, text)
	})
}

// readJSON reads an array of objects or strings, or an object whose "data" is
// one. Row is the item's number in the array.
func readJSON(f *os.File, size int64, column string, add func(int, string) error) error {
	dec := json.NewDecoder(skipBOM(f))
	fail := func(what string, err error) error {
		at := errorOffset(dec, err)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			at, err = size, errors.New("the file ends in the middle: is it whole?")
		}
		return fmt.Errorf("bad JSON %s near line %d: %w", what, lineAt(f, at), err)
	}
	if err := enterArray(dec); err != nil {
		if errors.Is(err, ErrConfig) {
			return err
		}
		return fail("at its start,", err)
	}
	rows := jsonRows{want: column}
	row := 1
	for ; dec.More(); row++ {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return fail(fmt.Sprintf("in item %d,", row), err)
		}
		text, err := rows.text(raw)
		if err != nil {
			return fmt.Errorf("item %d: %w", row, err)
		}
		if err := add(row, text); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return fail(fmt.Sprintf("after item %d,", row-1), err)
	}
	return nil
}

// enterArray moves dec past the bracket that opens the rows.
func enterArray(dec *json.Decoder) error {
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	if tok == json.Delim('[') {
		return nil
	}
	if tok != json.Delim('{') {
		return configErrorf(`it holds a single value: make it an array of objects or strings, or {"data": [...]}`)
	}
	var keys []string
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		key, _ := tok.(string) // the decoder lets nothing else be a key
		if key == "data" {
			if tok, err = dec.Token(); err != nil {
				return err
			}
			if tok != json.Delim('[') {
				return configErrorf(`its "data" is no array: make it one of objects or strings`)
			}
			return nil
		}
		keys = append(keys, key)
		if err := dec.Decode(new(json.RawMessage)); err != nil {
			return err
		}
	}
	return configErrorf(`no "data" in it but %s: make it an array of objects or strings, {"data": [...]}, or a .jsonl file`, listed(keys))
}

// errorOffset is where in the input err happened, as well as dec knows.
func errorOffset(dec *json.Decoder, err error) int64 {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return max(syntax.Offset, dec.InputOffset())
	}
	return dec.InputOffset()
}

// lineAt counts f's lines up to offset; the error it serves is the news, so a
// failure to read again only makes the count smaller.
func lineAt(f *os.File, offset int64) int {
	r := io.NewSectionReader(f, 0, offset)
	buf := make([]byte, 64<<10)
	line := 1
	for {
		n, err := r.Read(buf)
		line += bytes.Count(buf[:n], []byte("\n"))
		if err != nil {
			return line
		}
	}
}

func jsonType(first byte) string {
	switch {
	case first == '{':
		return "objects"
	case first == '[':
		return "arrays"
	case strings.IndexByte("tf", first) >= 0:
		return "booleans"
	}
	return "numbers"
}

func sortedKeys(obj map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(obj))
	for k := range obj {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
