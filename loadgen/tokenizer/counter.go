package tokenizer

import "context"

// Counter counts the tokens of a text alone: no begin-of-text token, no chat
// template. It is safe for use by many goroutines.
type Counter interface {
	Count(ctx context.Context, text string) (int, error)
}

var (
	_ Counter = Engine{}
	_ Counter = (*File)(nil)
)
