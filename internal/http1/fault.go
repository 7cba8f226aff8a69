package http1

// Fault is why a message is refused. Its text never quotes the message, which
// is where keys and prompts are.
type Fault struct {
	Status int    // what to answer a request with
	What   string // a clause such as "the head has a bare LF"
}

func (f *Fault) Error() string { return f.What }

func fault(status int, what string) *Fault { return &Fault{Status: status, What: what} }

func bad(what string) *Fault { return fault(400, what) }

// Faults that more than one place finds.
var (
	errControl    = bad("a control character where none is allowed")
	errBareLF     = bad("a line that ends with LF alone")
	errBareCR     = bad("a CR that ends no line")
	errFieldName  = bad("a header line without a proper name")
	errFolded     = bad("a header line that begins with white space")
	errLength     = bad("a Content-Length that is not one whole number")
	errTwoLengths = bad("more than one Content-Length")
	errBoth       = bad("both Content-Length and Transfer-Encoding")
	errCoding     = fault(501, "a Transfer-Encoding that is not chunked, once")
	errVersion    = fault(505, "a version that is neither HTTP/1.1 nor HTTP/1.0")
	errTooMany    = fault(431, "the head has more lines than are taken")
)
