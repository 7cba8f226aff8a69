package sim

import (
	"math"
	"strings"

	"github.com/tidwall/gjson"
)

// readRerank reads a query and documents, each of which is a prompt with the query.
func readRerank(r *request, root gjson.Result) *apiError {
	documents := root.Get("documents")
	if !documents.IsArray() {
		documents, r.bare = root.Get("texts"), true // as text-embeddings-inference has it
	}
	if !documents.IsArray() || !root.Get("query").Exists() {
		return missing("documents")
	}
	return r.readPairs(root.Get("query").String(), documents.Array())
}

// readScore reads one text and those it is to be compared with.
func readScore(r *request, root gjson.Result) *apiError {
	one, others := root.Get("text_1"), root.Get("text_2")
	if !one.Exists() {
		one, others = root.Get("queries"), root.Get("items")
	}
	if !one.Exists() || !others.Exists() {
		return missing("text_1")
	}
	if !others.IsArray() {
		return r.readPairs(one.String(), []gjson.Result{others})
	}
	return r.readPairs(one.String(), others.Array())
}

func (r *request) readPairs(query string, documents []gjson.Result) *apiError {
	if len(documents) == 0 || len(documents) > maxPrompts {
		return badRequest("documents", "there must be between 1 and %d documents, got %d", maxPrompts, len(documents))
	}
	for _, d := range documents {
		text := d.String()
		if d.IsObject() {
			text = d.Get("text").String()
		}
		r.documents = append(r.documents, strings.Clone(text))
		r.prompts = append(r.prompts, textPrompt(query+"\n"+text))
	}
	return nil
}

// readCohere reads Cohere's /v2/embed.
func readCohere(r *request, root gjson.Result) *apiError {
	if err := r.readPrompts("texts", root.Get("texts")); err != nil {
		return err
	}
	for _, p := range r.prompts {
		r.documents = append(r.documents, p.text)
	}
	return nil
}

// appendScore appends key and how well prompt i is said to fit: from 0 to 1, a
// function of the prompt alone.
func appendScore(dst []byte, key string, r *request, i int) []byte {
	x := source(r.prompts[i].hash, streamText, 1).Float64()
	return appendFloat(dst, key, math.Round(x*1e6)/1e6)
}

// appendCounted is `usage` of what generates nothing.
func appendCounted(dst []byte, p *plan) []byte {
	dst = appendKey(dst, `{"prompt_tokens":`, p.promptTokens())
	return append(appendKey(dst, `,"total_tokens":`, p.promptTokens()), '}')
}
