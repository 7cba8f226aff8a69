package sim

import "strconv"

// logprob is what every token of a simulated answer has.
const logprob = "-0.5"

// appendChatLogprobs has one entry for each token, as chat completions do.
func appendChatLogprobs(dst []byte, c *choice, from, to int) []byte {
	dst = append(dst, `{"content":`...)
	dst = appendList(dst, to-from, func(dst []byte, i int) []byte {
		return append(appendTokenLogprob(dst, c.tokens[from+i]), `,"top_logprobs":[]}`...)
	})
	return append(dst, '}')
}

// appendTokenLogprob appends a token's entry but for its end.
func appendTokenLogprob(dst []byte, token string) []byte {
	dst = appendText(dst, `{"token":`, token)
	dst = append(dst, `,"logprob":`+logprob+`,"bytes":`...)
	return appendList(dst, len(token), func(dst []byte, k int) []byte { return strconv.AppendInt(dst, int64(token[k]), 10) })
}

// appendTextLogprobs has parallel lists, as completions do.
func appendTextLogprobs(dst []byte, c *choice, from, to int) []byte {
	n, offset := to-from, len(c.text(0, from))
	dst = append(dst, `{"text_offset":`...)
	dst = appendList(dst, n, func(dst []byte, i int) []byte {
		return strconv.AppendInt(dst, int64(offset+len(c.text(from, from+i))), 10)
	})
	dst = append(dst, `,"token_logprobs":`...)
	dst = appendList(dst, n, func(dst []byte, _ int) []byte { return append(dst, logprob...) })
	dst = append(dst, `,"tokens":`...)
	dst = appendList(dst, n, func(dst []byte, i int) []byte { return appendString(dst, c.tokens[from+i]) })
	dst = append(dst, `,"top_logprobs":`...)
	dst = appendList(dst, n, func(dst []byte, i int) []byte {
		return append(appendText(dst, `{`, c.tokens[from+i]), `:`+logprob+`}`...)
	})
	return append(dst, '}')
}

// echoed is the prompt where a completion's event has it before its own text.
func (p *plan) echoed(e emission) string {
	if !p.req.echo || e.from > 0 {
		return ""
	}
	return p.req.prompts[p.choices[e.choice].prompt].text
}
