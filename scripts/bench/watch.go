package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// watch runs a command and writes, every 50 ms until it has ended, what CPU
// time it and the process -also have used: a client's start is then no part of
// what its requests cost.
func watch(o options) error {
	if len(o.command) == 0 {
		return fmt.Errorf("watch: no command")
	}
	out, err := os.Create(o.cpu)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(o.command[0], o.command[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-tick.C:
			// A process that has just ended has no figures any more: the line before stands.
			if used := cpuSeconds(cmd.Process.Pid); used > 0 {
				fmt.Fprintln(out, time.Now().UnixNano(), used, cpuSeconds(o.also))
			}
		}
	}
}

// usage is the CPU time of client and server at a moment.
type usage struct {
	at             int64 // unix ns
	client, server float64
}

// readUsage reads what watch wrote.
func readUsage(file string) (list []usage, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		var u usage
		if _, err := fmt.Sscan(scan.Text(), &u.at, &u.client, &u.server); err != nil {
			return nil, fmt.Errorf("reading %q of %s: %w", scan.Text(), file, err)
		}
		list = append(list, u)
	}
	return list, scan.Err()
}

// between is what was used from one moment to another, with a sample at or
// before the first and at or after the second, as far as there are such.
func between(list []usage, from, to int64) (used usage) {
	if len(list) == 0 {
		return used
	}
	begin, end := list[0], list[len(list)-1]
	for _, u := range list {
		if u.at <= from {
			begin = u
		}
	}
	for i := len(list) - 1; i >= 0 && list[i].at >= to; i-- {
		end = list[i]
	}
	return usage{at: end.at - begin.at, client: end.client - begin.client, server: end.server - begin.server}
}
