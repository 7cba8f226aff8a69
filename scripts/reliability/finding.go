package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Kinds of findings. Each is a bar: none may be found.
const (
	failedRequest    = "requests without a fault that failed"
	unfaithful       = "answers that differ from what the engine's fault calls for"
	alienBytes       = "answers with another request's bytes"
	wrongBytes       = "answers with wrong bytes"
	unreadable       = "answers in chunks for clients of HTTP/1.0"
	falseEnd         = "cut answers that looked complete"
	hungRequest      = "requests that hung"
	lostRecord       = "requests without a Record"
	extraRecord      = "requests with more than one Record"
	strangeRecord    = "Records of requests that were never made"
	wrongOutcome     = "Records with an outcome that can't be"
	wrongTokens      = "Records with another count of tokens than the engine told"
	malformedRequest = "malformed requests at the engine"
	changedRequest   = "request bodies that were changed"
	halfRequest      = "half requests that reached the engine as whole"
	sentTwice        = "requests that the engine got twice"
	smuggled         = "malformed requests that reached the engine"
	notTold          = "held requests of which the engine was not told that the client left"
	lostTrailers     = "answers that lost their trailers"
)

// findings counts what is not as it must be, and keeps a few examples of each
// kind.
type findings struct {
	mu sync.Mutex // protects the rest
	of map[string]*finding
}

type finding struct {
	Count    int      `json:"count"`
	Examples []string `json:"examples"`
}

// examplesKept bounds what is remembered of each kind.
const examplesKept = 6

func (f *findings) add(kind string, id int64, of string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil {
		f.of = map[string]*finding{}
	}
	x := f.of[kind]
	if x == nil {
		x = new(finding)
		f.of[kind] = x
	}
	x.Count++
	if len(x.Examples) < examplesKept {
		x.Examples = append(x.Examples, fmt.Sprintf("%s %s", appendID(nil, id), of))
	}
}

func (f *findings) count(kind string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if x := f.of[kind]; x != nil {
		return x.Count
	}
	return 0
}

// examples are of all kinds, in the order of their names.
func (f *findings) examples() (lines []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, kind := range slices.Sorted(maps.Keys(f.of)) {
		for _, e := range f.of[kind].Examples {
			lines = append(lines, kind+": "+e)
		}
	}
	return lines
}
