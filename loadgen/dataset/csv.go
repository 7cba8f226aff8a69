package dataset

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// readCSV reads comma-separated values with a header row (RFC 4180: quoted
// fields may hold commas, quotes and line ends).
func readCSV(f *os.File, _ int64, want columns, add func(Prompt) error) error {
	r := csv.NewReader(skipBOM(f))
	r.ReuseRecord = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty: its first line must name the columns")
	}
	if err != nil {
		return csvError(err)
	}
	at, err := want.find(header)
	if err != nil {
		return err
	}
	for row := 1; ; row++ {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return csvError(err)
		}
		p := Prompt{Row: row, Text: strings.Clone(rec[at.prompt])} // of a string that holds the whole row
		if at.image >= 0 && rec[at.image] != "" {
			m, err := imageOfText(rec[at.image])
			if err != nil {
				return fmt.Errorf("row %d: column %q: %w", row, header[at.image], err)
			}
			p.Images = []Image{m}
		}
		if err := add(p); err != nil {
			return err
		}
	}
}

// csvError says what breaks the file's rows in words of the user's.
func csvError(err error) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	switch {
	case errors.Is(err, csv.ErrFieldCount):
		return fmt.Errorf("line %d has another number of fields than the header: quote fields that hold commas", parse.Line)
	case errors.Is(err, csv.ErrQuote), errors.Is(err, csv.ErrBareQuote):
		return fmt.Errorf(`bad quoting on line %d (its row starts on line %d): quote the field and double the quotes in it ("")`, parse.Line, parse.StartLine)
	}
	return fmt.Errorf("bad CSV on line %d: %w", parse.Line, parse.Err)
}
