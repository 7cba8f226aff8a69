//go:build unix

package upstream

import (
	"fmt"
	"syscall"
)

// otherFiles is what the process has open besides connections, generously.
const otherFiles = 64

// CheckFiles says what is wrong where so many connections at a time need more
// file descriptors than this process may have.
func CheckFiles(connections int) error {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return nil // then the connections will tell
	}
	need := uint64(connections + otherFiles)
	if need <= uint64(limit.Cur) {
		return nil
	}
	return fmt.Errorf(`%d connections at a time need some %d file descriptors, and this process may have %d: raise the limit with "ulimit -n %d"`,
		connections, need, limit.Cur, need)
}
