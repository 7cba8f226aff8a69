package proxy

import (
	"io"
	"net/http"
	"testing"
)

// TestARequestDoesNotWaitForTheProxysLock: Shutdown holds it while it takes the
// locks of all clients, so whoever has one of those must not ask for it.
func TestARequestDoesNotWaitForTheProxysLock(t *testing.T) {
	e := engine(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	p := start(t, e.URL, nil)
	c := dialRaw(t, p.addr)
	ask := func() {
		c.send(t, getHead+"\r\n")
		if m := c.wantAnswer(t, "GET"); m.body != "ok" {
			t.Errorf("answered %q %q", m.start, m.body)
		}
	}
	ask()
	p.mu.Lock()
	defer p.mu.Unlock()
	ask()
}
