package exchange

import (
	"slices"
	"strings"
	"testing"

	"tokenomics/internal/wire"
)

// TestARequestIsAbortedByTheNameThatIsKnown: the engine's own, and before it has
// said one that of the client.
func TestARequestIsAbortedByTheNameThatIsKnown(t *testing.T) {
	const body = `{"model":"m","stream":true,"rid":"of-the-client"}`
	for name, row := range map[string]struct {
		names  bool
		body   string
		answer string
		ids    []string
	}{
		"nobody wants to know": {false, body, token, nil},
		"no answer yet":        {true, body, "", []string{"of-the-client"}},
		"no name yet":          {true, streamBody, "", nil},
		"the engine's name":    {true, body, token, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, wire.AskNothing, func(e *Env) { e.Names = row.names })
			s.client(strings.Replace(posted(row.body), "\r\n", "\r\nAuthorization: Bearer k\r\n", 1))
			if row.answer != "" {
				s.engine(okChunked + chunk(row.answer))
			}
			s.record()
			ids, authorization := s.x.Abortion()
			if !slices.Equal(ids, row.ids) || row.names != (authorization == "Bearer k") {
				t.Errorf("ids %q, authorization %q", ids, authorization)
			}
		})
	}
}
