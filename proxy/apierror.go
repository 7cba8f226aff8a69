package proxy

import (
	"encoding/json"

	"github.com/valyala/fasthttp"
)

// writeError writes an error as OpenAI's clients expect it.
func writeError(ctx *fasthttp.RequestCtx, status int, kind, message string) {
	var e struct {
		Error struct {
			Message string  `json:"message"`
			Type    string  `json:"type"`
			Param   *string `json:"param"`
			Code    int     `json:"code"`
		} `json:"error"`
	}
	e.Error.Message, e.Error.Type, e.Error.Code = message, kind, status
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings and a number
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(b)
}
