package body

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tidwall/gjson"
)

// encode writes v as it is said: no character is escaped that need not be.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding the body: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// merged is body with extra, a JSON merge patch, put over it. Members stay in
// their order, and new ones come after them. (encoding/json would sort them and
// write large numbers anew.)
func merged(body []byte, extra json.RawMessage) ([]byte, error) {
	if err := CheckExtra(extra); err != nil {
		return nil, err
	}
	return appendMerged(nil, gjson.ParseBytes(body), gjson.ParseBytes(extra)), nil
}

// CheckExtra tells what is wrong with what is to be merged into a body.
func CheckExtra(extra json.RawMessage) error {
	if !gjson.ValidBytes(extra) || !gjson.ParseBytes(extra).IsObject() {
		return fmt.Errorf("the extra body is no JSON object: %.100s", extra)
	}
	return nil
}

// appendMerged appends the object that was, changed by patch.
func appendMerged(dst []byte, was, patch gjson.Result) []byte {
	dst = append(dst, '{')
	start := len(dst)
	member := func(key, value, of gjson.Result) {
		if value.Type == gjson.Null {
			return
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(append(dst, key.Raw...), ':')
		if !value.IsObject() {
			dst = append(dst, value.Raw...)
			return
		}
		if !of.IsObject() {
			of = gjson.Result{}
		}
		dst = appendMerged(dst, of, value)
	}
	changes, had := make(map[string]gjson.Result), make(map[string]bool)
	patch.ForEach(func(key, value gjson.Result) bool {
		changes[key.Str] = value // the last, if a member comes twice
		return true
	})
	was.ForEach(func(key, value gjson.Result) bool {
		had[key.Str] = true
		if change, ok := changes[key.Str]; ok {
			member(key, change, value)
			return true
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, key.Raw...), ':'), value.Raw...)
		return true
	})
	patch.ForEach(func(key, _ gjson.Result) bool {
		if !had[key.Str] {
			had[key.Str] = true
			member(key, changes[key.Str], gjson.Result{})
		}
		return true
	})
	return append(dst, '}')
}
