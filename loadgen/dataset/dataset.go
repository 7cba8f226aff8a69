package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Bounds of what is loaded. They are far above any benchmark dataset in use
// and far below what would take a machine down when a wrong file is named.
const (
	maxFileBytes   = 2 << 30   // one file, also each one downloaded: LiveCodeBench's has 1.2 GB
	maxTextBytes   = 1 << 30   // all prompts together: parquet can inflate
	maxPrompts     = 1_000_000 // rows with text in them
	maxLineBytes   = 256 << 20 // one line of .txt or .jsonl: LiveCodeBench's hold all tests of a problem
	maxTurns       = 10_000    // of one conversation
	maxImages      = 100       // of one row
	maxImageBytes  = 32 << 20  // one image
	maxImagesBytes = 1 << 30   // all images together, each different one counted once
)

// ErrConfig marks errors that another command line would cure: an unknown
// key, a missing file or column, a file of an unknown kind.
var ErrConfig = errors.New("wrong dataset options")

// ErrUnavailable marks errors where the dataset exists, as far as we know,
// but could not be had now: no network, a refusal, a broken download.
var ErrUnavailable = errors.New("dataset unavailable")

// Prompt is one row of a dataset.
type Prompt struct {
	// Text is the prompt as the dataset has it: never empty, always UTF-8. Of a
	// conversation it is the first user turn.
	Text string
	// Turns is the whole conversation, where the row holds more than a single
	// user turn; nil elsewhere. There is a user turn in it, and no assistant
	// turn before the first of them.
	Turns []Turn
	// Images are those of Config.ImageColumn; nil where the row has none.
	Images []Image
	// ID is the row's own name in the builtin set; empty elsewhere.
	ID string
	// Domain is the subject of a builtin prompt; empty elsewhere.
	Domain string
	// Row is the row's number in its file, counted from 1 (the header of a
	// .csv not counted). Rows without text are left out, so Row may skip.
	Row int
}

// Turn is one message of a conversation.
type Turn struct {
	// Role is "system", "user" or "assistant".
	Role string
	// Text is what was said: always UTF-8, perhaps empty.
	Text string
}

// Image is one image of a prompt: its content, or where an engine finds it.
type Image struct {
	// MIME is the content's type, as in "image/png"; "" where URL is given.
	MIME string
	// Bytes is the encoded image, and not to be written to; nil where URL is
	// given.
	Bytes []byte
	// URL is an http or https address; "" where Bytes are given.
	URL string
}

// Dataset is a named list of prompts. It is immutable and safe for use by any
// number of goroutines.
type Dataset struct {
	name    string
	source  string
	prompts []Prompt
}

// New returns a dataset of the given prompts, which it copies. It fails when
// there are none, or one has no text.
func New(name, source string, prompts []Prompt) (*Dataset, error) {
	if len(prompts) == 0 {
		return nil, fmt.Errorf("making dataset %q: no prompts in %s", name, source)
	}
	for i, p := range prompts {
		if p.Text == "" {
			return nil, fmt.Errorf("making dataset %q: prompt %d has no text", name, i)
		}
	}
	return &Dataset{name: name, source: source, prompts: append([]Prompt(nil), prompts...)}, nil
}

// Name is the key the dataset is known by, or the file's base name.
func (d *Dataset) Name() string { return d.name }

// Source says in a few words where the prompts came from.
func (d *Dataset) Source() string { return d.source }

// Len is the number of prompts; at least 1.
func (d *Dataset) Len() int { return len(d.prompts) }

// At returns prompt i, 0 <= i < Len; it panics outside of that, as a slice does.
func (d *Dataset) At(i int) Prompt { return d.prompts[i] }

// Digest is the SHA-256, in hex, over all texts in order, each preceded by its
// length, and by its turns and images where it has any. Two results are of the
// same prompts when their digests are equal.
func (d *Dataset) Digest() string {
	h := sha256.New()
	text := func(mark uint64, s string) {
		hashLength(h, mark, len(s))
		io.WriteString(h, s) // a hash never fails
	}
	for _, p := range d.prompts {
		for _, t := range p.Turns {
			text(turnMark, t.Role)
			text(0, t.Text)
		}
		for _, m := range p.Images {
			text(imageMark, m.MIME+m.URL)
			hashLength(h, 0, len(m.Bytes))
			h.Write(m.Bytes)
		}
		text(0, p.Text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Marks tell in a digest what a length is of. No length has their bits.
const (
	turnMark  = 1 << 63
	imageMark = 1 << 62
)

func hashLength(h hash.Hash, mark uint64, n int) {
	h.Write(binary.BigEndian.AppendUint64(nil, mark|uint64(n)))
}

// configErrorf makes a one-line error that matches ErrConfig without carrying
// its words.
func configErrorf(format string, args ...any) error {
	return &markedError{err: fmt.Errorf(format, args...), mark: ErrConfig}
}

// markedError is err, that also answers to errors.Is(_, mark).
type markedError struct{ err, mark error }

func (e *markedError) Error() string   { return e.err.Error() }
func (e *markedError) Unwrap() []error { return []error{e.err, e.mark} }
