package proxy

import (
	"fmt"
	"os"
	"testing"
)

// driver is who relays plain connections in the tests that do not say.
var driver Loop

// TestMain runs all tests with both drivers: what is true of the one has to be
// true of the other.
func TestMain(m *testing.M) {
	for _, driver = range []Loop{LoopAuto, LoopOff} {
		if code := m.Run(); code != 0 {
			fmt.Printf("that was with --loop=%s\n", driver)
			os.Exit(code)
		}
	}
}
