//go:build !linux

package netloop

import (
	"errors"
	"time"
)

// poller is for Linux only.
type poller struct{}

func newPoller() (*poller, error) { return nil, errors.ErrUnsupported }

func (*poller) close() error                       { return nil }
func (*poller) wake()                              {}
func (*poller) add(int, uint64) error              { return errors.ErrUnsupported }
func (*poller) watch(func(int) next)               {}
func (*poller) until(time.Time)                    {}
func (*poller) event(int) (tag uint64, what state) { return 0, 0 }

func closeFD(int) {}

func dup(uintptr) (int, error) { return -1, errors.ErrUnsupported }
