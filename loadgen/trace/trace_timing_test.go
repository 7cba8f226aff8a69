package trace

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkRead(b *testing.B) {
	var burst strings.Builder
	burst.WriteString("Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n")
	for i := range 10_000 {
		fmt.Fprintf(&burst, "%d,ChatGPT,472,18,490,Conversation log\n", i)
	}
	for _, bc := range []struct{ name, content string }{
		{"burstgpt", burst.String()},
		{"mooncake", strings.Repeat(`{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 2353, 2354]}`+"\n", 10_000)},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.SetBytes(int64(len(bc.content)))
			b.ReportAllocs()
			for range b.N {
				var c collector
				if err := c.read(strings.NewReader(bc.content)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
