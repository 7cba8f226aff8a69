package dataset

import (
	"crypto/sha256"
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
	max        int // stop after so many; 0 means all
	prompts    []Prompt
	bytes      int64 // of text
	imageBytes int64
	images     map[[sha256.Size]byte][]byte // each different one, once
}

// add takes one row. Rows of nothing but white space are left out; all others
// are kept verbatim.
func (c *collector) add(p Prompt) error {
	if strings.TrimSpace(p.Text) == "" {
		return nil
	}
	if len(c.prompts) == maxPrompts {
		return fmt.Errorf("more than %d prompts: split the file", maxPrompts)
	}
	if err := c.addText(p.Row, p.Text); err != nil {
		return err
	}
	for _, t := range p.Turns {
		if err := c.addText(p.Row, t.Text); err != nil {
			return err
		}
	}
	for i := range p.Images {
		if err := c.addImage(p.Row, &p.Images[i]); err != nil {
			return err
		}
	}
	c.prompts = append(c.prompts, p)
	if c.full() {
		return errEnough
	}
	return nil
}

func (c *collector) addText(row int, text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("row %d is not UTF-8 text: convert the file to UTF-8", row)
	}
	c.bytes += int64(len(text))
	if c.bytes > maxTextBytes {
		return fmt.Errorf("more than %d MiB of prompts at row %d: split the file", maxTextBytes>>20, row)
	}
	return nil
}

// addImage lets equal images share their bytes: datasets of questions about
// pictures repeat a picture for each of its questions.
func (c *collector) addImage(row int, m *Image) error {
	if m.Bytes == nil {
		return nil
	}
	sum := sha256.Sum256(m.Bytes)
	if known, ok := c.images[sum]; ok {
		m.Bytes = known
		return nil
	}
	c.imageBytes += int64(len(m.Bytes))
	if c.imageBytes > maxImagesBytes {
		return fmt.Errorf("more than %d MiB of images at row %d: split the file, or take fewer prompts of it", maxImagesBytes>>20, row)
	}
	if c.images == nil {
		c.images = map[[sha256.Size]byte][]byte{}
	}
	c.images[sum] = m.Bytes
	return nil
}

// full tells whether more rows would be thrown away.
func (c *collector) full() bool { return c.max > 0 && len(c.prompts) >= c.max }
