package dataset

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
)

// readParquet reads the columns that are wanted, and no others: a prompt, which
// may be a list of turns, and images, which the hub stores as {bytes, path}.
func readParquet(f *os.File, size int64, want columns, add func(Prompt) error) (err error) {
	// The library panics on some files that are damaged inside a page; the
	// file is the user's, so that is an error like another.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged Parquet data: %v", p)
		}
	}()
	file, err := parquet.OpenFile(f, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("not a Parquet file, or damaged: %w", err)
	}
	prompts, images, err := parquetColumns(file, want)
	if err != nil {
		return err
	}
	defer prompts.close()
	defer images.close()
	for row := 1; ; row++ {
		p, err := prompts.prompt()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			p.Images, err = images.images()
		}
		if err != nil {
			return fmt.Errorf("row %d: %w", row, err)
		}
		p.Row = row
		if err := add(p); err != nil {
			return err
		}
	}
}

// parquetColumns finds the columns and checks that they hold what they should.
func parquetColumns(file *parquet.File, want columns) (prompts, images parquetColumn, err error) {
	cols := file.Root().Columns()
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = c.Name()
	}
	at, err := want.find(names)
	if err != nil {
		return prompts, images, err
	}
	prompts = newParquetColumn(cols[at.prompt], "", "content", "value", "role", "from")
	if prompts.text("", "content", "value") == nil {
		return prompts, images, configErrorf("column %q holds no text but %s: name another with --prompt-column; it has %s",
			names[at.prompt], parquetKind(cols[at.prompt]), listed(names))
	}
	if at.image >= 0 {
		images = newParquetColumn(cols[at.image], "", "bytes", "path", "url")
		if images.text("", "bytes", "path", "url") == nil {
			return prompts, images, configErrorf("column %q holds no images but %s: name another with --image-column; it has %s",
				names[at.image], parquetKind(cols[at.image]), listed(names))
		}
	}
	return prompts, images, nil
}

func parquetKind(c *parquet.Column) string {
	if c.Leaf() {
		return c.Type().String() + " values"
	}
	return "nested values"
}

// parquetColumn reads one top-level column row by row: a value, a list of
// values, a struct of values or a list of structs. Which, its leaves tell.
type parquetColumn struct {
	leaves map[string]*parquetLeaf // by the name within the column; "" for its own values
}

// newParquetColumn takes the leaves of col that hold bytes and are named.
func newParquetColumn(col *parquet.Column, names ...string) parquetColumn {
	c := parquetColumn{leaves: map[string]*parquetLeaf{}}
	for _, l := range leavesOf(col) {
		for _, name := range names {
			if l.name == name {
				c.leaves[name] = l
			}
		}
	}
	return c
}

// text returns the first leaf there is of names, nil where there is none.
func (c parquetColumn) text(names ...string) *parquetLeaf {
	for _, name := range names {
		if l := c.leaves[name]; l != nil {
			return l
		}
	}
	return nil
}

// row reads the next row of all leaves; io.EOF at the end.
func (c parquetColumn) row() error {
	for _, l := range c.leaves {
		if err := l.next(); err != nil {
			return err
		}
	}
	return nil
}

func (c parquetColumn) close() {
	for _, l := range c.leaves {
		l.close()
	}
}

// prompt reads the next row as a text or a list of turns.
func (c parquetColumn) prompt() (Prompt, error) {
	if err := c.row(); err != nil {
		return Prompt{}, err
	}
	said, who := c.text("", "content", "value"), c.text("role", "from")
	if !said.listed {
		if said.at(0) == nil {
			return Prompt{}, nil
		}
		return Prompt{Text: string(said.at(0))}, nil
	}
	turns := make([]Turn, len(said.row))
	for i := range turns {
		turns[i].Text = string(said.at(i))
		if who != nil {
			turns[i].Role = string(who.at(i))
		}
	}
	return talk(turns)
}

// images reads the next row as an image or a list of images. A column that is
// not read has none.
func (c parquetColumn) images() ([]Image, error) {
	if err := c.row(); err != nil || len(c.leaves) == 0 {
		return nil, err
	}
	n := 0
	for _, l := range c.leaves {
		n = max(n, len(l.row))
	}
	if n > maxImages {
		return nil, fmt.Errorf("%d images are more than the %d that are read", n, maxImages)
	}
	var images []Image
	for i := range n {
		for _, name := range []string{"", "bytes", "url", "path"} {
			l := c.leaves[name]
			if l == nil || len(l.at(i)) == 0 {
				continue
			}
			m, err := imageOf(l.at(i))
			if err != nil {
				return nil, err
			}
			images = append(images, m)
			break
		}
	}
	return images, nil
}
