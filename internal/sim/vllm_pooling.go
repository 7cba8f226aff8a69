package sim

import "strconv"

// vllmEmbeddings is /v1/embeddings. The vectors may come as raw octets, and the
// usage then comes in a header, or nowhere.
type vllmEmbeddings struct{ *vllm }

var _ headed = vllmEmbeddings{}

func (v vllmEmbeddings) head(p *plan) (contentType string, headers []header, measured bool) {
	switch p.req.encoding {
	case "bytes":
		return typeBytes, []header{{"metadata", v.metadata(p)}}, false
	case "bytes_only":
		return typeBytes, nil, false
	default:
		return typeJSON, nil, true
	}
}

// metadata is JSON as Python writes it.
func (v vllmEmbeddings) metadata(p *plan) string {
	const size = 4 * embeddingSize
	b := appendText(nil, `{"id": `, p.id)
	b = appendKey(b, `, "created": `, int(p.created))
	b = appendText(b, `, "model": `, p.req.model)
	b = append(b, `, "data": [`...)
	for i := range p.req.prompts {
		if i > 0 {
			b = append(b, `, `...)
		}
		b = appendKey(b, `{"index": `, i)
		b = appendKey(b, `, "embed_dtype": "float32", "endianness": "native", "start": `, i*size)
		b = appendKey(b, `, "end": `, (i+1)*size)
		b = append(appendKey(b, `, "shape": [`, embeddingSize), `]}`...)
	}
	b = appendKey(b, `], "usage": {"prompt_tokens": `, p.promptTokens())
	return string(append(appendKey(b, `, "total_tokens": `, p.promptTokens()), `}}`...))
}

func (v vllmEmbeddings) appendBody(dst []byte, p *plan) []byte {
	if p.req.encoding == "bytes" || p.req.encoding == "bytes_only" {
		for i := range p.req.prompts {
			dst = appendOctets(dst, vector(p.req, i))
		}
		return dst
	}
	dst = v.appendOpening(dst, p)
	dst = appendList(dst, len(p.req.prompts), func(dst []byte, i int) []byte {
		dst = appendKey(dst, `{"index":`, i)
		dst = append(dst, `,"object":"embedding","embedding":`...)
		return append(appendVector(dst, p.req, i), '}')
	})
	dst = append(dst, `,"usage":`...)
	return append(v.appendBodyUsage(dst, p, 0), '}')
}

// appendOpening opens a list of what pooling gives, up to `data`.
func (v *vllm) appendOpening(dst []byte, p *plan) []byte {
	dst = appendText(dst, `{"id":`, p.id)
	dst = append(dst, `,"object":"list","created":`...)
	dst = strconv.AppendInt(dst, p.created, 10)
	dst = appendText(dst, `,"model":`, p.req.model)
	return append(dst, `,"data":`...)
}

// vllmPooling is /pooling, /score, /classify and /rerank.
type vllmPooling struct{ *vllm }

func (v vllmPooling) appendBody(dst []byte, p *plan) []byte {
	if p.req.endpoint == rerank {
		return v.appendRanks(dst, p)
	}
	dst = v.appendOpening(dst, p)
	dst = appendList(dst, len(p.req.prompts), func(dst []byte, i int) []byte {
		dst = appendKey(dst, `{"index":`, i)
		switch p.req.endpoint {
		case score:
			dst = appendScore(dst, `,"object":"score","score":`, p.req, i)
		case classify:
			dst = appendScore(dst, `,"label":"LABEL_0","probs":[`, p.req, i)
			dst = append(dst, `,0.0],"num_classes":2`...)
		default:
			dst = appendVector(append(dst, `,"object":"pooling","data":`...), p.req, i)
		}
		return append(dst, '}')
	})
	dst = append(dst, `,"usage":`...)
	return append(v.appendBodyUsage(dst, p, 0), '}')
}

func (v vllmPooling) appendRanks(dst []byte, p *plan) []byte {
	dst = appendText(dst, `{"id":`, p.id)
	dst = appendText(dst, `,"model":`, p.req.model)
	dst = append(dst, `,"usage":`...)
	dst = append(appendCounted(dst, p), `,"results":`...)
	dst = appendList(dst, len(p.req.prompts), func(dst []byte, i int) []byte {
		dst = appendKey(dst, `{"index":`, i)
		dst = appendText(dst, `,"document":{"text":`, p.req.documents[i])
		return append(appendScore(dst, `,"multi_modal":null},"relevance_score":`, p.req, i), '}')
	})
	return append(dst, '}')
}

// vllmCohere is /v2/embed.
type vllmCohere struct{ *vllm }

func (v vllmCohere) appendBody(dst []byte, p *plan) []byte {
	dst = appendText(dst, `{"id":`, p.id)
	dst = append(dst, `,"embeddings":{"float":`...)
	dst = appendList(dst, len(p.req.prompts), func(dst []byte, i int) []byte { return appendNumbers(dst, vector(p.req, i)) })
	dst = append(dst, `},"texts":`...)
	dst = appendList(dst, len(p.req.documents), func(dst []byte, i int) []byte { return appendString(dst, p.req.documents[i]) })
	dst = appendKey(dst, `,"meta":{"api_version":{"version":"2"},"billed_units":{"input_tokens":`, p.promptTokens())
	return append(dst, `}}}`...)
}
