package tokenizer

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// BenchmarkFile counts prompts of two lengths, of words and without a space: ten
// times as long must cost ten times as much. Not all tokenizers cut a text into
// words first.
func BenchmarkFile(b *testing.B) {
	data, err := os.ReadFile("file.go")
	if err != nil {
		b.Fatal(err)
	}
	prose := strings.Repeat(string(data), 1+500_000/len(data))
	for _, name := range []string{"llama3", "llama2", "xlmr", "unigrambytes", "bert", "words"} {
		f, err := Open("testdata/" + name + ".json")
		if err != nil {
			b.Fatal(err)
		}
		for _, size := range []int{40_000, 400_000} {
			b.Run(fmt.Sprintf("%s/words/%d", name, size), func(b *testing.B) { benchmarkCount(b, f, prose[:size]) })
			b.Run(fmt.Sprintf("%s/one-word/%d", name, size), func(b *testing.B) { benchmarkCount(b, f, strings.Repeat("na", size/2)) })
		}
	}
}

func benchmarkCount(b *testing.B, f *File, text string) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Count(b.Context(), text); err != nil {
			b.Fatal(err)
		}
	}
}
