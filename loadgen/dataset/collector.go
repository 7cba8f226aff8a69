package dataset

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// errEnough is what a collector answers once it has all it wants. Readers hand
// it up as any other error; collect turns it into success.
var errEnough = errors.New("enough prompts")

// collector gathers prompts from a reader within the package's bounds.
type collector struct {
	max     int // stop after so many; 0 means all
	prompts []Prompt
	bytes   int64
}

// add takes the text of one row (counted from 1). Rows of nothing but white
// space are left out; all others are kept verbatim.
func (c *collector) add(row int, text string) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	if !utf8.ValidString(text) {
		return fmt.Errorf("row %d is not UTF-8 text: convert the file to UTF-8", row)
	}
	if len(c.prompts) == maxPrompts {
		return fmt.Errorf("more than %d prompts: split the file", maxPrompts)
	}
	c.bytes += int64(len(text))
	if c.bytes > maxTextBytes {
		return fmt.Errorf("more than %d MiB of prompts at row %d: split the file", maxTextBytes>>20, row)
	}
	c.prompts = append(c.prompts, Prompt{Text: text, Row: row})
	if c.full() {
		return errEnough
	}
	return nil
}

// full tells whether more rows would be thrown away.
func (c *collector) full() bool { return c.max > 0 && len(c.prompts) >= c.max }
