package upstream

import (
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

// newPool is a pool of connections that the driver reads.
func newPool(t *testing.T, target Target, opt Options) *Pool {
	t.Helper()
	loops, err := driver.Open(1, target.Scheme == "https")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range loops {
		r := NewReader(l)
		t.Cleanup(func() { _ = r.Close() })
		opt.Readers = append(opt.Readers, r)
	}
	return NewPool(target, opt)
}
