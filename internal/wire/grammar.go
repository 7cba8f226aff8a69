package wire

import (
	"bytes"
	"time"
)

// grammar reads the events of one dialect and tells the stream what they
// brought. It is made anew for each answer.
type grammar interface {
	// event reads one event of the stream and says whether it could be read.
	// name is of its event line, nil where there is none.
	event(s *stream, at time.Duration, name, data []byte) bool
	// dialect names it in Records.
	dialect() string
	// terminator is what comes after the last finish, "" where nothing does.
	terminator() string
}

// The dialects, by the names that Records have.
const (
	dialectOpenAI       = "openai"          // chat, completions, and most that only tell usage
	dialectResponses    = "responses"       // OpenAI's Responses
	dialectAnthropic    = "anthropic"       // Messages
	dialectVLLMGenerate = "vllm_generate"   // token ids in and out
	dialectSGLang       = "sglang_generate" // meta_info
	dialectLlamaCPP     = "llamacpp"        // its own /completion
	dialectOllama       = "ollama"          // NDJSON
	dialectTGI          = "tgi"             // its own /generate
	dialectTranscript   = "transcript"      // OpenAI's transcriptions, where they are typed events
	dialectCohere       = "cohere"          // /v2/embed
)

func newGrammar(dialect string) grammar {
	switch dialect {
	case dialectResponses, dialectTranscript:
		return &responses{name: dialect}
	case dialectAnthropic:
		return new(anthropic)
	case dialectSGLang:
		return new(sglang)
	case dialectLlamaCPP:
		return new(llamaCPP)
	case dialectOllama:
		return new(ollama)
	case dialectTGI:
		return new(tgi)
	case dialectVLLMGenerate:
		return &openAI{ids: true}
	}
	return new(openAI)
}

// grammarOf is the grammar of a stream by one of its events: paths are shared
// (/generate is SGLang's and TGI's, /completions llama.cpp's and everybody's),
// and gateways translate. Not certain when the event shows no shape, and then
// it goes by expected, the dialect of the request's path.
func grammarOf(expected string, name, data []byte) (g grammar, certain bool) {
	dialect := eventShape(name, data)
	switch dialect {
	case "":
		return newGrammar(expected), false
	case dialectOpenAI:
		if expected == dialectVLLMGenerate {
			dialect = expected // the same, with ids for text
		}
	}
	return newGrammar(dialect), true
}

// eventShape is the dialect that an event is of by its keys, "" when they don't
// say.
func eventShape(name, data []byte) string {
	if shape := namedShape(name); shape != "" {
		return shape
	}
	shape, llama := "", 0
	whole := members(data, func(m member) bool {
		switch string(m.key) {
		case "choices":
			shape = dialectOpenAI
		case "meta_info":
			shape = dialectSGLang
		case "token", "generated_text":
			shape = dialectTGI
		case "done":
			shape = dialectOllama
		case "type":
			shape = namedShape(bytes.Trim(m.value, `"`))
		case "content", "stop", "tokens_predicted", "id_slot", "tokens_evaluated":
			llama++
		}
		return shape == ""
	})
	switch {
	case !whole:
		return ""
	case shape == "" && llama >= 2:
		return dialectLlamaCPP
	}
	return shape
}

// namedShape is the dialect of a named event.
func namedShape(name []byte) string {
	switch {
	case bytes.HasPrefix(name, []byte("response.")):
		return dialectResponses
	case bytes.HasPrefix(name, []byte("transcript.")):
		return dialectTranscript
	case bytes.HasPrefix(name, []byte("message_")), bytes.HasPrefix(name, []byte("content_block_")):
		return dialectAnthropic
	}
	return ""
}
