package exchange

import (
	"strings"
	"testing"

	"tokenomics/internal/wire"
)

// TestAChunkedBodyIsHeldAsItGrows: nobody knows how large it will be, and what it
// might become would leave no room for others. Where there is none left it goes
// on as it came.
func TestAChunkedBodyIsHeldAsItGrows(t *testing.T) {
	const room = 300 << 10
	for name, row := range map[string]struct {
		size  int // of the client's text
		asked bool
	}{
		"small":                {100, true},
		"as large as room":     {100 << 10, true}, // counted twice, with its framing
		"larger than there is": {200 << 10, false},
	} {
		t.Run(name, func(t *testing.T) {
			most := int64(0)
			s := newScript(t, wire.AskFinal, nil)
			s.x.env.InjectLimit = 8 << 20
			s.x.env.Hold = func(n int64) bool {
				if s.held+n > room {
					return false
				}
				s.held += n
				most = max(most, s.held)
				return true
			}
			body := strings.TrimSuffix(streamBody, "}") + `,"text":"` + strings.Repeat("x", row.size) + `"}`
			s.client(post + "Transfer-Encoding: chunked\r\n\r\n")
			if s.held > firstHeld {
				t.Errorf("%d bytes are held of a body of which none has come", s.held)
			}
			for len(body) > 0 {
				n := min(len(body), 10<<10)
				s.client(chunk(body[:n]))
				body = body[n:]
			}
			s.client("0\r\n\r\n")
			if asked := strings.Contains(string(s.toEngine), "include_usage"); asked != row.asked || most == 0 {
				t.Errorf("asked %v, want %v; %d bytes were held", asked, row.asked, most)
			}
			if n := strings.Count(string(s.toEngine), "x"); n < row.size {
				t.Errorf("the engine got %d of %d bytes", n, row.size)
			}
			s.record()
		})
	}
}
