package http1

// Response is an answer's head. Its slices point into the bytes it was read
// from.
type Response struct {
	Status int
	Rest   []byte // the status line after the version: " 200 OK"
	Minor  int    // of the version: HTTP/1.Minor
	Fields Fields
	Body   Framing
}

// Parse reads a head, which ends with its blank line. toHead says that what it
// answers is a HEAD request. The Response's fields reuse what it had before.
func (r *Response) Parse(head []byte, toHead bool) error {
	*r = Response{Fields: r.Fields[:0]}
	line, rest := cutLine(head)
	const version = len("HTTP/1.1")
	if len(line) < version+4 {
		return bad("a status line that is none")
	}
	var ok bool
	if r.Minor, ok = minorOf(line[:version]); !ok {
		return errVersion
	}
	r.Rest = line[version:]
	code, reason := r.Rest[1:4], r.Rest[4:]
	n, ok := wholeNumber(code)
	if !ok || n < 100 || r.Rest[0] != ' ' || len(reason) > 0 && reason[0] != ' ' || !isText(reason) {
		return bad("a status line that is none")
	}
	r.Status = int(n)
	var err error
	if r.Fields, err = r.Fields.parse(rest); err != nil {
		return err
	}
	if r.Body, err = r.Fields.framing(r.Minor); err != nil {
		return err
	}
	return r.body(toHead)
}

// body settles how the body ends (RFC 9112, 6.3).
func (r *Response) body(toHead bool) error {
	bodiless := r.Status < 200 || r.Status == 204
	switch {
	case bodiless && r.Body.Kind == Chunked:
		return bad("an answer with a body where none may be")
	case bodiless, r.Status == 304, toHead:
		r.Body.Kind = None // Length keeps what was announced
	case r.Body.Kind == Unsaid:
		r.Body.Kind = UntilClose
	}
	return nil
}

// KeepAlive says whether the server keeps the connection open after the body.
func (r *Response) KeepAlive() bool {
	switch {
	case r.Body.Kind == UntilClose, r.Fields.Has("connection", "close"):
		return false
	case r.Status == 204 && r.Body.Length > 0:
		return false // it may yet send what it announced
	}
	return r.Minor >= 1 || r.Fields.Has("connection", "keep-alive")
}
