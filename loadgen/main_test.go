package loadgen

import (
	"cmp"
	"fmt"
	"os"
	"testing"

	"tokenomics/internal/netloop"
)

// driver is who reads answers in the tests that do not say.
var driver netloop.Mode

// TestMain runs all tests with both drivers: what is true of the one has to be
// true of the other.
func TestMain(m *testing.M) {
	for _, driver = range []netloop.Mode{netloop.Auto, netloop.Off} {
		if code := m.Run(); code != 0 {
			fmt.Printf("that was with --loop=%s\n", driver)
			os.Exit(code)
		}
	}
}

// newClient is a client that is closed with the test.
func newClient(tb testing.TB, cfg ClientConfig) *Client {
	tb.Helper()
	cfg.Loop = cmp.Or(cfg.Loop, driver)
	c, err := NewClient(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}
