// Package report makes numbers into something to look at. So far that is the
// terminal's table. It writes plain text and decides nothing about colours:
// what it writes reads the same in a terminal, a file and a chat message.
package report
