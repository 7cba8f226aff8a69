package wire

import (
	"bytes"
	"io"
	"mime/multipart"
)

// maxField bounds what is read of one field of a form.
const maxField = 1 << 10

// form reads the fields of a multipart body, as audio is sent (WIRE.md 3.8). Its
// first line has the boundary.
func (q *Query) form(body []byte) {
	line, _, _ := bytes.Cut(body, []byte("\r\n"))
	r := multipart.NewReader(bytes.NewReader(body), string(bytes.TrimRight(line[2:], " \t")))
	for range maxKeys {
		part, err := r.NextRawPart()
		if err == io.EOF {
			q.read = true
			return
		}
		if err != nil {
			break
		}
		if part.FileName() == "" {
			value, err := io.ReadAll(io.LimitReader(part, maxField))
			if err != nil {
				break
			}
			q.field(part.FormName(), string(value))
		}
	}
	q.Warnings = append(q.Warnings, "request body is not a whole form")
}

func (q *Query) field(name, value string) {
	is := value == "true" || value == "True" || value == "1"
	switch name {
	case "model":
		q.Model = clip(value, 256)
	case "stream":
		q.Stream = is
	case "stream_include_usage":
		q.Usage = is
	case "stream_continuous_usage_stats":
		q.Continuous = is
	}
}
