package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// recordLine is what is needed of a line of the proxy's request log.
type recordLine struct {
	ID         string `json:"request_id"`
	Outcome    string `json:"outcome"`
	Retries    int    `json:"retries"`
	Completion *int   `json:"completion_tokens"`
	Source     string `json:"token_source"`
}

// lineLimit is far above what a Record can be.
const lineLimit = 4 << 20

// readRecords hands every line of a request log to take.
func readRecords(r io.Reader, take func(recordLine)) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 64<<10), lineLimit)
	for n := 1; s.Scan(); n++ {
		var line recordLine
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			return fmt.Errorf("line %d of the request log is no Record: %w", n, err)
		}
		take(line)
	}
	return s.Err()
}

// readIDs is readRecords for very many lines of which only the id is wanted.
func readIDs(r io.Reader, take func(id int64, ok bool)) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 64<<10), lineLimit)
	key := []byte(`"request_id":"`)
	for s.Scan() {
		id, ok := int64(0), false
		if at := bytes.Index(s.Bytes(), key); at >= 0 {
			id, ok = parseID(s.Bytes()[at+len(key):])
		}
		take(id, ok)
	}
	return s.Err()
}
