package exchange

import (
	"fmt"
	"testing"

	"tokenomics/internal/wire"
)

// TestEmptyLinesBeforeARequest are skipped, two of them and no more, in whatever
// pieces they come.
func TestEmptyLinesBeforeARequest(t *testing.T) {
	const request = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, tt := range []struct {
		in    string
		taken bool
	}{
		{request, true},
		{"\r\n" + request, true},
		{"\r\n\r\n" + request, true},
		{"\r\n\r\n\r\n" + request, false},
	} {
		for size := 1; size <= len(tt.in); size++ {
			t.Run(fmt.Sprintf("%.8q in pieces of %d", tt.in, size), func(t *testing.T) {
				s := newScript(t, wire.AskNothing, nil)
				for at := 0; at < len(tt.in) && !s.x.Done() && s.dials == 0; {
					at += s.client(tt.in[at:min(len(tt.in), at+size)])
				}
				if (s.dials == 1) != tt.taken || tt.taken && s.used != len(tt.in) {
					t.Errorf("sent on %v, %d bytes taken; the client got %.40q", s.dials == 1, s.used, s.toClient)
				}
			})
		}
	}
}
