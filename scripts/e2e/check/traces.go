package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
)

// trace is what is read of a trace in Jaeger's query API.
type trace struct {
	TraceID string `json:"traceID"`
	Spans   []span `json:"spans"`
}

type span struct {
	SpanID     string `json:"spanID"`
	Name       string `json:"operationName"`
	References []struct {
		Type   string `json:"refType"`
		SpanID string `json:"spanID"`
	} `json:"references"`
	Tags []struct {
		Key   string          `json:"key"`
		Value json.RawMessage `json:"value"`
	} `json:"tags"`
}

// tag is a span's attribute as JSON, "" when it has none of that name.
func (s *span) tag(key string) string {
	for _, t := range s.Tags {
		if t.Key == key {
			return string(t.Value)
		}
	}
	return ""
}

// checkTraces finds in Jaeger every request of the log, with its token counts.
func checkTraces(o *options) (string, error) {
	var checked, counted int
	err := eventually(o.patience, func() error {
		lines, err := readLines(o.log)
		if err != nil {
			return err
		}
		traces, err := o.traces()
		if err != nil {
			return err
		}
		checked, counted = 0, 0
		for i := range lines {
			if lines[i].TraceID == "" {
				continue // what is only passed through has no trace
			}
			if err := lines[i].traced(traces[lines[i].TraceID]); err != nil {
				return fmt.Errorf("request %s, trace %s: %w", lines[i].RequestID, lines[i].TraceID, err)
			}
			checked++
			if lines[i].CompletionTokens != nil {
				counted++
			}
		}
		if counted == 0 {
			return fmt.Errorf("none of %d records has a trace and tokens: that shows nothing", len(lines))
		}
		return nil
	})
	return fmt.Sprintf("Jaeger has the traces of %d requests of %s, %d of them with the log's token counts", checked, o.service, counted), err
}

// traces are all of -service, by id.
func (o *options) traces() (map[string]*trace, error) {
	b, err := get(o.jaeger + "/api/traces?limit=5000&service=" + url.QueryEscape(o.service))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data []trace `json:"data"`
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return nil, fmt.Errorf("reading Jaeger's traces: %w", err)
	}
	byID := make(map[string]*trace, len(answer.Data))
	for i := range answer.Data {
		byID[answer.Data[i].TraceID] = &answer.Data[i]
	}
	return byID, nil
}

// traced compares a Record with its trace: a server span and, under it, the
// client span whose id the Record has.
func (l *line) traced(t *trace) error {
	if t == nil {
		return errors.New("not in Jaeger")
	}
	var client *span
	for i := range t.Spans {
		if t.Spans[i].SpanID == l.SpanID {
			client = &t.Spans[i]
		}
	}
	if client == nil {
		return fmt.Errorf("no span %s among its %d", l.SpanID, len(t.Spans))
	}
	if kind := client.tag("span.kind"); kind != `"client"` {
		return fmt.Errorf("span %q is of kind %s", client.Name, kind)
	}
	if !t.hasParentOf(client) {
		return fmt.Errorf("span %q is not under a server span", client.Name)
	}
	for key, n := range map[string]*int64{
		"gen_ai.usage.input_tokens": l.PromptTokens, "gen_ai.usage.output_tokens": l.CompletionTokens,
	} {
		want := ""
		if n != nil {
			want = fmt.Sprint(*n)
		}
		if got := client.tag(key); got != want {
			return fmt.Errorf("%s is %q on the span and %q in the log", key, got, want)
		}
	}
	return nil
}

func (t *trace) hasParentOf(child *span) bool {
	for _, ref := range child.References {
		for i := range t.Spans {
			if t.Spans[i].SpanID == ref.SpanID && t.Spans[i].tag("span.kind") == `"server"` {
				return true
			}
		}
	}
	return false
}
