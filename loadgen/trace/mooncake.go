package trace

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// mooncake takes a line of Mooncake's traces (FAST25-release/README.md of
// kvcache-ai/Mooncake): an object of timestamp (ms), input_length,
// output_length and hash_ids, one for each 512 tokens of the prompt. Other keys
// are not looked at.
func (c *collector) mooncake(line []byte) error {
	var row struct {
		Timestamp *float64 `json:"timestamp"`
		Input     *int     `json:"input_length"`
		Output    *int     `json:"output_length"`
		Blocks    []int64  `json:"hash_ids"`
	}
	if err := json.Unmarshal(line, &row); err != nil {
		return mooncakeError(err)
	}
	if row.Timestamp == nil || row.Input == nil || row.Output == nil {
		return errors.New("no timestamp, input_length or output_length in it: " + known)
	}
	at, err := instant(*row.Timestamp, time.Millisecond)
	if err != nil {
		return err
	}
	// Traces with these same keys but other blocks, and other units of time,
	// are about (Bailian's: 16 tokens, seconds). Read as Mooncake's they would
	// make a load that never was.
	want := (max(*row.Input, 0) + BlockTokens - 1) / BlockTokens
	if len(row.Blocks) > 0 && len(row.Blocks) != want {
		return fmt.Errorf("%d hash_ids for %d prompt tokens: with blocks of %d tokens there are %d; traces with other blocks can't be read",
			len(row.Blocks), *row.Input, BlockTokens, want)
	}
	if len(row.Blocks) == 0 {
		row.Blocks = nil
	}
	return c.add(Request{At: at, Input: *row.Input, Output: *row.Output, Blocks: row.Blocks})
}

// mooncakeError says what is wrong with a line in words of the file's.
func mooncakeError(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return fmt.Errorf("%s holds a %s where a number belongs", kind.Field, kind.Value)
	}
	return fmt.Errorf("bad JSON: %w", err)
}
