package wire

import (
	"mime"
	"strings"
	"time"

	"tokenomics/internal/record"
)

// AnswerHead is what an answer's head says of how its body is to be read.
type AnswerHead struct {
	Status          int
	ContentType     string // "" where there is none
	ContentEncoding string // "" where there is none
	// Field is the value of any other header field, by its name in whatever
	// case; "" where there is none. It is called only while Head runs; nil
	// stands for a head without further fields.
	Field func(name string) string
}

// format is how an answer's body is read.
type format uint8

const (
	opaque   format = iota // bytes and times only
	sse                    // server-sent events
	ndjson                 // JSON objects, one a line
	jsonBody               // one JSON value
)

// Head tells of the answer's head. at is the read that completed it.
func (o *Observer) Head(at time.Duration, h AnswerHead) {
	o.status, o.headers = int32(h.Status), record.At(at)
	if o.cfg.Query.Endpoint == "" {
		return
	}
	o.encoded = h.ContentEncoding != "" && !strings.EqualFold(h.ContentEncoding, "identity")
	switch o.format = o.formatOf(h); o.format {
	case ndjson:
		o.other = &other{lines: new(lineSplitter)}
	case jsonBody:
		o.other = &other{body: new(bodyKeeper)}
	}
	if o.format != sse {
		o.headCounts(h)
	}
	if o.format == opaque || !o.encoded {
		return
	}
	open, known := openers[strings.ToLower(h.ContentEncoding)]
	if !known {
		o.format = opaque
		o.warn("answer is encoded (" + clip(h.ContentEncoding, 32) + "): not measured")
		return
	}
	if o.other == nil {
		o.other = new(other)
	}
	o.other.decoder = newDecoder(h.ContentEncoding, open, func(p []byte) { o.take(o.stream.readAt, p) })
}

// formatOf is how the body is read, by its media type.
func (o *Observer) formatOf(h AnswerHead) format {
	if strings.HasPrefix(h.ContentType, "text/event-stream;") || h.ContentType == "text/event-stream" {
		return sse // as every engine writes it
	}
	kind, _, err := mime.ParseMediaType(h.ContentType)
	switch kind {
	case "text/event-stream":
		return sse
	case "application/x-ndjson", "application/ndjson", "application/jsonl":
		return ndjson
	case "application/json":
		return jsonBody
	}
	switch {
	case strings.HasSuffix(kind, "+json"):
		return jsonBody
	case h.Status >= 400:
	case kind == "application/octet-stream" && !makesTokens[o.cfg.Query.Endpoint]:
		// vLLM's embeddings in bytes: what there is to know is in the head.
	case strings.HasPrefix(kind, "text/") && o.cfg.Query.Endpoint == "audio":
		// A transcript as plain text or subtitles.
	case err != nil && h.ContentType != "":
		o.warn("answer has an unreadable content type: not measured")
	default:
		o.warn("answer is neither JSON nor an event stream: not measured")
	}
	return opaque
}

// headTold is what the head tells of what is else in the body.
type headTold struct {
	usage record.Usage
	model string
	took  record.EngineTimes
}

// headCounts reads the counts that some engines put into the head: vLLM's
// metadata of an answer in bytes (WIRE.md 3.7), TGI's of one that is not a
// stream, with its times (WIRE.md 8).
func (o *Observer) headCounts(h AnswerHead) {
	if h.Field == nil || h.Status >= 400 {
		return
	}
	var told headTold
	u := &told.usage
	if metadata := []byte(h.Field("metadata")); !makesTokens[o.cfg.Query.Endpoint] && isObject(metadata) {
		readUsage(raw(metadata, "usage"), u)
		told.model = clip(text(raw(metadata, "model")), 256)
	} else if makesTokens[o.cfg.Query.Endpoint] {
		count([]byte(h.Field("x-prompt-tokens")), &u.Prompt)
		if count([]byte(h.Field("x-generated-tokens")), &u.Completion) {
			u.Source = record.SourceEngineCounter
		}
		told.took = tgiTook(h.Field)
	}
	if told == (headTold{}) {
		return
	}
	if o.other == nil {
		o.other = new(other)
	}
	o.other.head = &told
}

// addHead fills what the body did not tell with what the head did.
func (o *Observer) addHead(r *record.Record) {
	head := o.form().head
	if head == nil {
		return
	}
	u, told := &r.Usage, &head.usage
	if u.Source == record.SourceNone || u.Source == "" || u.Source == record.SourceEvents {
		if told.Source != "" {
			u.Source, u.Completion = told.Source, told.Completion
		}
	}
	u.Prompt, u.Cached = firstOf(u.Prompt, told.Prompt), firstOf(u.Cached, told.Cached)
	if r.ResponseModel == "" {
		r.ResponseModel = head.model
	}
	if r.Engine == nil {
		tell(&r.Engine, head.took)
	}
}
