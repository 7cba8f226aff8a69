package dataset

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
)

// readParquet reads one column of strings. Columns inside lists and structs
// are not looked at.
func readParquet(f *os.File, size int64, column string, add func(int, string) error) (err error) {
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
	col, err := parquetColumn(file, column)
	if err != nil {
		return err
	}
	pages := col.Pages()
	defer pages.Close() // read only: nothing can be lost
	row := 0
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("damaged Parquet data after row %d: %w", row, err)
		}
		row, err = addPage(page, row, add)
		parquet.Release(page)
		if err != nil {
			return err
		}
	}
}

// parquetColumn finds the prompt's column and checks that it holds text.
func parquetColumn(file *parquet.File, want string) (*parquet.Column, error) {
	columns := file.Root().Columns()
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name()
	}
	at, err := chooseColumn(names, want)
	if err != nil {
		return nil, err
	}
	col := columns[at]
	if !col.Leaf() || col.Repeated() || col.Type().Kind() != parquet.ByteArray {
		kind := "nested values"
		if col.Leaf() {
			kind = col.Type().String() + " values"
		}
		return nil, configErrorf("column %q holds no text but %s: name another with --prompt-column; it has %s",
			names[at], kind, listed(names))
	}
	return col, nil
}

// addPage adds a page's values after the first row rows and returns the number
// of rows seen by now.
func addPage(page parquet.Page, row int, add func(int, string) error) (int, error) {
	values := page.Values()
	buf := make([]parquet.Value, 64)
	for {
		n, err := values.ReadValues(buf)
		for _, v := range buf[:n] {
			row++
			if v.IsNull() {
				continue
			}
			if err := add(row, string(v.ByteArray())); err != nil {
				return row, err
			}
		}
		if errors.Is(err, io.EOF) {
			return row, nil
		}
		if err != nil {
			return row, fmt.Errorf("damaged Parquet data after row %d: %w", row, err)
		}
	}
}
