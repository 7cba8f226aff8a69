package netloop

import (
	"cmp"
	"errors"
	"fmt"
)

// Mode says who serves plain connections: readiness loops, or a goroutine for
// each. What is spoken over TLS always has a goroutine.
type Mode string

// The values of Mode.
const (
	Auto Mode = "auto" // loops where they can be
	On   Mode = "on"   // loops; it is an error where they can't be
	Off  Mode = "off"  // goroutines
)

// ParseMode reads a Mode; "" is Auto.
func ParseMode(s string) (Mode, error) {
	switch m := cmp.Or(Mode(s), Auto); m {
	case Auto, On, Off:
		return m, nil
	}
	return "", fmt.Errorf("%q is none of auto, on, off", s)
}

// Check says why m can't be had for connections to an engine that speaks TLS,
// where it does.
func (m Mode) Check(secure bool) error {
	if m == On && secure {
		return errors.New("--loop on: a readiness loop speaks no TLS, and the engine does; give --loop auto")
	}
	return nil
}

// Open starts n loops for connections to an engine, secure where it speaks TLS;
// none where goroutines are to do it.
func (m Mode) Open(n int, secure bool) (loops []*Loop, err error) {
	if err := m.Check(secure); m == Off || secure {
		return nil, err
	}
	for range n {
		l, err := New()
		if err != nil {
			if m != On && errors.Is(err, errors.ErrUnsupported) {
				return nil, nil
			}
			for _, l := range loops {
				err = errors.Join(err, l.Close())
			}
			return nil, err
		}
		loops = append(loops, l)
	}
	return loops, nil
}
