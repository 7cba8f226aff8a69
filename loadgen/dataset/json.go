package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// readJSONL reads one JSON object or string per line. Row is the line's number.
func readJSONL(f *os.File, _ int64, want columns, add func(Prompt) error) error {
	rows := jsonRows{want: want}
	return eachLine(f, func(line int, raw []byte) error {
		if len(bytes.TrimSpace(raw)) == 0 {
			return nil
		}
		p, err := rows.row(raw)
		if isJSONError(err) {
			return fmt.Errorf("bad JSON on line %d: %w", line, err)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		p.Row = line
		return add(p)
	})
}

// readJSON reads an array of objects or strings, or an object whose "data" is
// one. Row is the item's number in the array.
func readJSON(f *os.File, size int64, want columns, add func(Prompt) error) error {
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
	rows := jsonRows{want: want}
	row := 1
	for ; dec.More(); row++ {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return fail(fmt.Sprintf("in item %d,", row), err)
		}
		p, err := rows.row(raw)
		if err != nil {
			return fmt.Errorf("item %d: %w", row, err)
		}
		p.Row = row
		if err := add(p); err != nil {
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

// isJSONError tells an error of the notation from one of what it says.
func isJSONError(err error) bool {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	return errors.As(err, &syntax) || errors.As(err, &kind)
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
