package loadgen

import (
	"strings"

	"github.com/tidwall/gjson"

	"tokenomics/internal/wire"
)

// answer gathers the visible text of a chat answer, for the next turn of its
// conversation. A nil one gathers nothing.
type answer struct {
	stream bool
	split  wire.Splitter
	whole  []byte // of an answer in one piece
	text   strings.Builder
}

// maxAnswer bounds what is kept of an answer.
const maxAnswer = 8 << 20

func answerOf(req Request) *answer {
	if req.Next == nil {
		return nil
	}
	return &answer{stream: req.Stream}
}

// feed takes bytes of the body.
func (a *answer) feed(p []byte) {
	switch {
	case a == nil:
	case !a.stream:
		a.whole = append(a.whole, p[:min(len(p), maxAnswer-len(a.whole))]...)
	default:
		var e wire.Event
		events := a.split.Feed(p)
		for events.Next(&e) {
			if a.text.Len() > maxAnswer {
				continue
			}
			a.text.WriteString(gjson.GetBytes(e.Data, "choices.0.delta.content").String())
		}
	}
}

// String is the text so far.
func (a *answer) String() string {
	switch {
	case a == nil:
		return ""
	case !a.stream:
		return gjson.GetBytes(a.whole, "choices.0.message.content").String()
	}
	return a.text.String()
}
