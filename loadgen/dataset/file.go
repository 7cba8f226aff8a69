package dataset

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// fileKind reads one kind of file and hands each row's prompt to add. Errors
// from add are handed up untouched.
type fileKind struct {
	ext     string // with its dot, in lower case
	columns bool   // rows have named columns
	read    func(f *os.File, size int64, want columns, add func(Prompt) error) error
}

// fileKinds are the kinds of file that can be read, in the order in which they
// are preferred where a hub repository holds the same rows in several.
func fileKinds() []fileKind {
	return []fileKind{
		{".parquet", true, readParquet},
		{".csv", true, readCSV},
		{".jsonl", true, readJSONL},
		{".json", true, readJSON},
		{".txt", false, readText},
	}
}

// kindOf tells a file's kind by its extension.
func kindOf(ext string) (fileKind, bool) {
	for _, k := range fileKinds() {
		if strings.EqualFold(ext, k.ext) {
			return k, true
		}
	}
	return fileKind{}, false
}

// fileSource is a file, and what its configuration says of it.
type fileSource struct {
	path   string
	kind   string // its kind's extension; "" means by its name
	column string // holds the prompt, where the user does not say
	image  string // holds the images, where the user does not say
}

// openFile loads the dataset in a file.
func openFile(ctx context.Context, cfg Config, src fileSource) (*Dataset, error) {
	c := collector{max: cfg.MaxPrompts}
	want := columns{prompt: cmp.Or(cfg.PromptColumn, src.column), image: cmp.Or(cfg.ImageColumn, src.image)}
	if err := c.readFile(ctx, src.path, cmp.Or(src.kind, filepath.Ext(src.path)), want); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("reading dataset file %q: %w", src.path, context.Cause(ctx))
		}
		return nil, &markedError{err: fmt.Errorf("reading dataset file %q: %w", src.path, err), mark: ErrConfig}
	}
	if len(c.prompts) == 0 {
		return nil, configErrorf("reading dataset file %q: no prompts in it: it is empty, or its prompt column is", src.path)
	}
	return New(filepath.Base(src.path), "file "+src.path, c.prompts)
}

// readFile adds the rows of the file at path, which is of the kind that has
// the extension ext, until c has enough.
func (c *collector) readFile(ctx context.Context, path, ext string, want columns) error {
	kind, ok := kindOf(ext)
	if !ok {
		return fmt.Errorf("unknown file kind %q: use .txt, .csv, .json, .jsonl or .parquet", ext)
	}
	if want != (columns{}) && !kind.columns {
		return fmt.Errorf("a %s file has no columns: leave out --prompt-column and --image-column", kind.ext)
	}
	f, err := os.Open(path)
	if err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err // the caller names the path
		}
		return err
	}
	defer f.Close() // read only: nothing can be lost
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file: save the prompts to a file first")
	}
	if info.Size() > maxFileBytes {
		return fmt.Errorf("%d MiB is more than the %d MiB that are read: split the file", info.Size()>>20, maxFileBytes>>20)
	}
	err = kind.read(f, info.Size(), want, func(p Prompt) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return c.add(p)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// readText reads one prompt per line. Row is the line's number.
func readText(f *os.File, _ int64, _ columns, add func(Prompt) error) error {
	return eachLine(f, func(line int, text []byte) error { return add(Prompt{Row: line, Text: string(text)}) })
}

// eachLine calls fn with each line's number (from 1) and bytes, without its
// end; the bytes are fn's only until it returns.
func eachLine(r io.Reader, fn func(line int, text []byte) error) error {
	lines := bufio.NewScanner(skipBOM(r))
	lines.Buffer(make([]byte, 0, 64<<10), maxLineBytes)
	n := 0
	for lines.Scan() {
		n++
		if err := fn(n, lines.Bytes()); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d is longer than %d MiB", n+1, maxLineBytes>>20)
	}
	return lines.Err()
}

// skipBOM drops the byte order mark that spreadsheets put before UTF-8.
func skipBOM(r io.Reader) *bufio.Reader {
	b := bufio.NewReaderSize(r, 64<<10)
	if head, err := b.Peek(3); err == nil && bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		_, _ = b.Discard(3) // peeked just now: cannot fail
	}
	return b
}
