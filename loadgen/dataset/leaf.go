package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// parquetLeaf reads one leaf column of bytes, row by row. In a list a row has
// any number of values, elsewhere it has one; which values belong to a row and
// which lists are empty is told by Parquet's repetition and definition levels
// (github.com/apache/parquet-format, "Nested Encoding").
type parquetLeaf struct {
	name   string // within its top-level column; "" where it is that itself
	listed bool
	filled int // definition level from which on the list has an element
	col    *parquet.Column

	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader
	buf    []parquet.Value
	unread []parquet.Value // part of buf
	row    [][]byte        // of the current row; nil for null
}

// leavesOf returns the leaves of a top-level column that hold bytes and are in
// no more than one list.
func leavesOf(col *parquet.Column) []*parquetLeaf {
	var leaves []*parquetLeaf
	var walk func(c *parquet.Column, name string, filled int)
	walk = func(c *parquet.Column, name string, filled int) {
		if c.Repeated() {
			filled = c.MaxDefinitionLevel()
		}
		if c.Leaf() {
			if c.Type().Kind() == parquet.ByteArray && c.MaxRepetitionLevel() <= 1 {
				leaves = append(leaves, &parquetLeaf{name: name, listed: c.MaxRepetitionLevel() == 1, filled: filled, col: c})
			}
			return
		}
		for _, child := range c.Columns() {
			if isListNode(c, child) {
				walk(child, name, filled)
			} else {
				walk(child, child.Name(), filled)
			}
		}
	}
	walk(col, "", 0)
	return leaves
}

// isListNode tells whether child is there for the list's sake alone: the
// repeated group of a list, or the element below it.
func isListNode(parent, child *parquet.Column) bool {
	return child.Repeated() || parent.Repeated() && len(parent.Columns()) == 1 &&
		slices.Contains([]string{"element", "item", "array", "array_element"}, child.Name())
}

// at returns value i of the current row; nil where it is null or there is none.
func (l *parquetLeaf) at(i int) []byte {
	if i >= len(l.row) {
		return nil
	}
	return l.row[i]
}

// next moves to the next row; io.EOF at the end.
func (l *parquetLeaf) next() error {
	l.row = l.row[:0]
	for first := true; ; first = false {
		if len(l.unread) == 0 {
			if err := l.fill(); errors.Is(err, io.EOF) && !first {
				return nil
			} else if err != nil {
				return err
			}
		}
		v := l.unread[0]
		if v.RepetitionLevel() == 0 && !first {
			return nil
		}
		l.unread = l.unread[1:]
		switch {
		case !v.IsNull():
			l.row = append(l.row, bytes.Clone(nonNil(v.ByteArray()))) // the page's own are released
		case !l.listed || v.DefinitionLevel() >= l.filled:
			l.row = append(l.row, nil)
		}
	}
}

// nonNil keeps an empty value apart from null.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// fill reads more values, of the next page where the page has no more.
func (l *parquetLeaf) fill() error {
	if l.pages == nil {
		l.pages = l.col.Pages()
		l.buf = make([]parquet.Value, 64)
	}
	for {
		l.release()
		if l.values == nil {
			page, err := l.pages.ReadPage()
			if errors.Is(err, io.EOF) {
				return io.EOF
			}
			if err != nil {
				return fmt.Errorf("damaged Parquet data: %w", err)
			}
			l.page, l.values = page, page.Values()
		}
		n, err := l.values.ReadValues(l.buf)
		l.unread = l.buf[:n]
		if errors.Is(err, io.EOF) {
			l.values = nil
		} else if err != nil {
			return fmt.Errorf("damaged Parquet data: %w", err)
		}
		if n > 0 {
			return nil
		}
	}
}

// release gives the page back, none of whose values are in use any more.
func (l *parquetLeaf) release() {
	if l.page != nil && l.values == nil {
		parquet.Release(l.page)
		l.page = nil
	}
}

func (l *parquetLeaf) close() {
	l.values = nil
	l.release()
	if l.pages != nil {
		l.pages.Close() // read only: nothing can be lost
	}
}
