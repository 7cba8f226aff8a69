// Command openai-go streams one chat through the official OpenAI client and
// prints, as one JSON object, every chunk it saw and the usage of the last one.
//
//	BASE_URL=http://127.0.0.1:8080/v1 MODEL=name [REQUEST_ID=id] openai-go
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// answer is what is printed. The chunks are as they came.
type answer struct {
	Client string            `json:"client"`
	Text   string            `json:"text"`
	Usage  json.RawMessage   `json:"usage"`
	Chunks []json.RawMessage `json:"chunks"`
}

func main() {
	if err := run(context.Background(), os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "openai-go:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, getenv func(string) string, stdout io.Writer) error {
	base, model, id := getenv("BASE_URL"), getenv("MODEL"), getenv("REQUEST_ID")
	if base == "" || model == "" {
		return errors.New("set BASE_URL and MODEL")
	}
	options := []option.RequestOption{
		option.WithBaseURL(base), option.WithAPIKey("none"), option.WithMaxRetries(0), option.WithRequestTimeout(2 * time.Minute),
	}
	if id != "" {
		options = append(options, option.WithHeader("X-Request-Id", id))
	}
	client := openai.NewClient(options...)
	stream := client.Chat.Completions.NewStreaming(ctx, openai.ChatCompletionNewParams{
		Model:         model,
		Messages:      []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Name three colours.")},
		MaxTokens:     openai.Int(24),
		Temperature:   openai.Float(0),
		Seed:          openai.Int(7),
		StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)},
	})
	out := answer{Client: "openai-go"}
	var text strings.Builder
	for stream.Next() {
		chunk := stream.Current()
		out.Chunks = append(out.Chunks, json.RawMessage(chunk.RawJSON()))
		for _, c := range chunk.Choices {
			text.WriteString(c.Delta.Content)
		}
		if chunk.JSON.Usage.Valid() {
			out.Usage = json.RawMessage(chunk.Usage.RawJSON())
		}
	}
	if err := errors.Join(stream.Err(), stream.Close()); err != nil {
		return fmt.Errorf("streaming a chat from %s: %w", base, err)
	}
	if out.Usage == nil {
		return fmt.Errorf("streaming a chat from %s: no usage in %d chunks", base, len(out.Chunks))
	}
	out.Text = text.String()
	return json.NewEncoder(stdout).Encode(out)
}
