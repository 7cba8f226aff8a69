package http1

import "bytes"

// Request is a request's head. Its slices point into the bytes it was read
// from.
type Request struct {
	Method []byte
	Target []byte // as sent; in absolute form only with the request's own host
	Path   []byte // Target in origin form, with its query: "/v1/models?x=1", or "*"
	Minor  int    // of the version: HTTP/1.Minor
	Fields Fields
	Body   Framing
}

// maxMethod is longer than any method there is.
const maxMethod = 32

// Parse reads a head, which ends with its blank line. The Request's fields
// reuse what it had before.
func (r *Request) Parse(head []byte) error {
	*r = Request{Fields: r.Fields[:0]}
	line, rest := cutLine(head)
	if err := r.line(line); err != nil {
		return err
	}
	var err error
	if r.Fields, err = r.Fields.parse(rest); err != nil {
		return err
	}
	if err := r.host(); err != nil {
		return err
	}
	if r.Body, err = r.Fields.framing(r.Minor); err != nil {
		return err
	}
	if r.Body.Kind == Unsaid {
		r.Body.Kind = None // a request without either has no body
	}
	return nil
}

// line reads the request line.
func (r *Request) line(b []byte) error {
	method, rest, ok := bytes.Cut(b, []byte(" "))
	if !ok || len(method) == 0 || len(method) > maxMethod || !all(method, &token) {
		return bad("a request line without a proper method")
	}
	target, version, ok := bytes.Cut(rest, []byte(" "))
	if !ok || len(target) == 0 || bytes.IndexByte(version, ' ') >= 0 {
		return bad("a request line that is not method, target and version")
	}
	if r.Minor, ok = minorOf(version); !ok {
		return errVersion
	}
	r.Method, r.Target = method, target
	return r.target()
}

// target takes the request's target apart: origin form, or what becomes it.
func (r *Request) target() error {
	for _, c := range r.Target {
		if c <= ' ' || c >= 0x7f || c == '#' {
			return bad("a target with a character that has no place in one")
		}
	}
	switch {
	case string(r.Method) == "CONNECT":
		return bad("CONNECT: this proxy stands in front of one server")
	case r.Target[0] == '/':
		r.Path = r.Target
	case string(r.Target) == "*" && string(r.Method) == "OPTIONS":
		r.Path = r.Target
	default:
		authority, path, ok := absolute(r.Target)
		if !ok {
			return bad("a target that is no path")
		}
		r.Path = path
		if len(path) == 0 { // RFC 9112, 3.2.4: of the server itself
			r.Path = []byte("/")
			if string(r.Method) == "OPTIONS" {
				r.Path = []byte("*")
			}
		}
		if len(authority) == 0 || !all(authority, &hostChar) {
			return bad("a target with a host that is none")
		}
	}
	return nil
}

// absolute takes http://authority/path apart.
func absolute(target []byte) (authority, path []byte, ok bool) {
	const scheme = "http://"
	if len(target) < len(scheme) || !EqualFold(target[:len(scheme)], scheme) {
		return nil, nil, false
	}
	rest := target[len(scheme):]
	at := bytes.IndexAny(rest, "/?")
	switch {
	case at < 0:
		return rest, nil, true
	case rest[at] == '?':
		return rest[:at], append([]byte("/"), rest[at:]...), true
	}
	return rest[:at], rest[at:], true
}

// host checks that the request names one host, and the same one everywhere.
func (r *Request) host() error {
	n := r.Fields.Count("host")
	switch {
	case n > 1:
		return bad("more than one Host")
	case n == 0 && r.Minor >= 1:
		return bad("no Host")
	}
	host := r.Fields.Get("host")
	if !all(host, &hostChar) {
		return bad("a Host that is none")
	}
	if authority, _, ok := absolute(r.Target); ok && r.Target[0] != '/' && !bytes.EqualFold(authority, host) {
		return bad("a target of another host than Host")
	}
	return nil
}

// minorOf reads HTTP/1.1 or HTTP/1.0.
func minorOf(version []byte) (minor int, ok bool) {
	switch string(version) {
	case "HTTP/1.1":
		return 1, true
	case "HTTP/1.0":
		return 0, true
	}
	return 0, false
}

// KeepAlive says whether the client means to send another request.
func (r *Request) KeepAlive() bool {
	return r.Minor >= 1 && !r.Fields.Has("connection", "close")
}

// Upgrade is the protocol that the client asks to change to, nil when it asks
// for none. HTTP/2 is none: requests in a tunnel would pass unread, and RFC 9113
// has given it up.
func (r *Request) Upgrade() []byte {
	to := r.Fields.Get("upgrade")
	if r.Minor == 0 || len(to) == 0 || !r.Fields.Has("connection", "upgrade") || r.Fields.Has("upgrade", "h2c") {
		return nil
	}
	return to
}
