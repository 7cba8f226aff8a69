package exchange

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"tokenomics/internal/record"
)

// refuse answers with an error of our own, in the form that OpenAI's clients
// read.
func (x *Exchange) refuse(now time.Time, status int, kind, message string, how record.Outcome) {
	x.closing = x.last || x.in != inEnd || x.minor == 0
	x.spoilt = true
	x.facts.status = int16(status)
	if !x.began {
		x.emit(x.errorAnswer(status, kind, message))
	}
	x.out = inEnd
	x.finish(now, how, message, kind)
}

func (x *Exchange) errorAnswer(status int, kind, message string) []byte {
	var e struct {
		Error struct {
			Message string  `json:"message"`
			Type    string  `json:"type"`
			Param   *string `json:"param"`
			Code    int     `json:"code"`
		} `json:"error"`
	}
	e.Error.Message, e.Error.Type, e.Error.Code = message, kind, status
	body, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings and a number
	}
	b := append([]byte("HTTP/1.1 "), strconv.Itoa(status)+" "+fasthttp.StatusMessage(status)+"\r\n"...)
	b = line(b, "Content-Type", "application/json")
	b = line(b, "Content-Length", strconv.Itoa(len(body)))
	if status == fasthttp.StatusServiceUnavailable {
		b = line(b, "Retry-After", "1")
	}
	if x.closing {
		b = line(b, "Connection", "close")
	}
	b = append(b, "\r\n"...)
	if x.toHead {
		return b
	}
	return append(b, body...)
}

// failed tells of a panic in measuring code, which costs figures and nothing
// else.
func (x *Exchange) failed(what string, cause any) {
	if x.env.Live != nil {
		x.env.Live.Panics.Add(1)
	}
	if x.env.Failed != nil {
		x.env.Failed(what, cause)
	}
}
