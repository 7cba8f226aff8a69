package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/tidwall/gjson"
)

// toldBy reads from an answer what the engine says it counted: its usage, or
// its timings, which a stream has that was not asked for usage.
func toldBy(body []byte) (tokens, error) {
	var usage, timings *tokens
	read := func(one gjson.Result) {
		for _, path := range []string{"usage", "response.usage", "message.usage"} {
			if u := one.Get(path); u.IsObject() {
				usage = usageOf(u, usage)
			}
		}
		if t := one.Get("timings"); t.IsObject() {
			timings = &tokens{t.Get("prompt_n").Int() + t.Get("cache_n").Int(), t.Get("predicted_n").Int()}
		}
		if n := one.Get("tokens_predicted"); n.Exists() {
			usage = &tokens{one.Get("tokens_evaluated").Int(), n.Int()}
		}
	}
	for _, one := range documents(body) {
		read(one)
	}
	switch {
	case usage != nil && timings != nil && *usage != *timings:
		return tokens{}, fmt.Errorf("the engine contradicts itself: usage %v, timings %v", *usage, *timings)
	case usage != nil:
		return *usage, nil
	case timings != nil:
		return *timings, nil
	}
	return tokens{}, errors.New("the answer tells no token counts")
}

// usageOf reads a usage object of any dialect. Anthropic's tells the prompt
// first, without what came from the cache, and the answer's tokens at its end.
func usageOf(u gjson.Result, before *tokens) *tokens {
	t := new(tokens)
	if before != nil {
		*t = *before
	}
	for _, key := range []string{"prompt_tokens", "input_tokens"} {
		if n := u.Get(key); n.Exists() {
			t.prompt = n.Int() + u.Get("cache_read_input_tokens").Int() + u.Get("cache_creation_input_tokens").Int()
		}
	}
	for _, key := range []string{"completion_tokens", "output_tokens"} {
		if n := u.Get(key); n.Exists() {
			t.completion = n.Int()
		}
	}
	return t
}

// documents are the JSON documents of an answer: itself, or its events.
func documents(body []byte) []gjson.Result {
	if gjson.ValidBytes(body) {
		return []gjson.Result{gjson.ParseBytes(body)}
	}
	var out []gjson.Result
	for _, event := range splitEvents(body) {
		if gjson.ValidBytes(event) {
			out = append(out, gjson.ParseBytes(event))
		}
	}
	return out
}

// agrees compares a Record with what the engine told.
func (l *line) agrees(told tokens) error {
	switch {
	case !l.exact():
		return fmt.Errorf("the record's counts are not the engine's: source %q", l.TokenSource)
	case l.tokens() != told:
		return fmt.Errorf("the record has %v, the engine told %v", l.tokens(), told)
	case told.completion == 0 || told.prompt == 0:
		return fmt.Errorf("the engine told %v: that shows nothing", told)
	case l.Outcome != "complete":
		return fmt.Errorf("the record's outcome is %q (%s)", l.Outcome, l.Error)
	case l.Stream && l.TTFT == nil:
		return errors.New("the record of a stream has no TTFT")
	}
	return nil
}

// agreesOnPrompt compares a Record of a request that generates nothing.
func (l *line) agreesOnPrompt(told tokens) error {
	switch {
	case l.PromptTokens == nil || *l.PromptTokens != told.prompt:
		return fmt.Errorf("the record has %v, the engine told %v", l.tokens(), told)
	case told.prompt == 0:
		return fmt.Errorf("the engine told %v: that shows nothing", told)
	case l.Outcome != "complete":
		return fmt.Errorf("the record's outcome is %q (%s)", l.Outcome, l.Error)
	}
	return nil
}

// checkClient compares what an OpenAI client printed with the request's Record.
func checkClient(o *options) (string, error) {
	b, err := os.ReadFile(o.answer)
	if err != nil {
		return "", err
	}
	var seen struct {
		Client string            `json:"client"`
		Text   string            `json:"text"`
		Usage  json.RawMessage   `json:"usage"`
		Chunks []json.RawMessage `json:"chunks"`
	}
	if err := json.Unmarshal(b, &seen); err != nil {
		return "", fmt.Errorf("reading %s: %w", o.answer, err)
	}
	u := gjson.ParseBytes(seen.Usage)
	told := tokens{u.Get("prompt_tokens").Int(), u.Get("completion_tokens").Int()}
	if seen.Text == "" || len(seen.Chunks) < 3 {
		return "", fmt.Errorf("%s saw the text %q in %d chunks", seen.Client, seen.Text, len(seen.Chunks))
	}
	err = eventually(o.patience, func() error {
		r, err := recordOf(o.log, o.id)
		if err != nil {
			return err
		}
		return r.agrees(told)
	})
	return fmt.Sprintf("%s saw %d chunks and %v; its record says the same", seen.Client, len(seen.Chunks), told), err
}

// splitEvents are the data of a stream's events, whatever their names. It is not
// the decoder of the product, which is what is being checked.
func splitEvents(body []byte) [][]byte {
	var out [][]byte
	for line := range bytes.Lines(body) {
		if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
			out = append(out, bytes.TrimSuffix(data, []byte("\n")))
		}
	}
	return out
}
