package prompt

import (
	"fmt"
	"slices"
	"strings"
)

// Mix is how requests are spread over LoRA adapters.
type Mix string

// The mixes. SGLang's bench_serving calls uniform the same, zipf skewed and
// all-unique distinct.
const (
	// MixSingle: every request asks for the first adapter.
	MixSingle Mix = "single"
	// MixUniform: each request draws an adapter, all as likely.
	MixUniform Mix = "uniform"
	// MixZipf: each request draws one, the k-th of the list with a weight of
	// 1/k: a few are hot, most are rare.
	MixZipf Mix = "zipf"
	// MixMixed: half the requests ask for the model itself, the others draw an
	// adapter, all as likely.
	MixMixed Mix = "mixed"
	// MixAllUnique: the adapters take turns, so that none comes again before
	// all others have.
	MixAllUnique Mix = "all-unique"
)

// Mixes are all of them, for the help.
func Mixes() []Mix { return []Mix{MixSingle, MixUniform, MixZipf, MixMixed, MixAllUnique} }

// Adapted lets LoRA adapters answer the prompts of a source.
type Adapted struct {
	Source Source
	Seed   uint64
	Mix    Mix      // one of Mixes
	Names  []string // of the adapters, as the engine knows them; at least one
}

// Check tells what is wrong with the mix or its names.
func (a Adapted) Check() error {
	if !slices.Contains(Mixes(), a.Mix) {
		var names []string
		for _, m := range Mixes() {
			names = append(names, string(m))
		}
		return fmt.Errorf("unknown mix of adapters %q: known ones are %s", a.Mix, strings.Join(names, ", "))
	}
	if len(a.Names) == 0 || slices.Contains(a.Names, "") {
		return fmt.Errorf("mixing adapters: the names of the adapters are missing, or one is empty")
	}
	return nil
}

// Prompt is that of the source, for the adapter of request i.
func (a Adapted) Prompt(i int) (Prompt, error) {
	out, err := a.Source.Prompt(i)
	out.Adapter = a.name(i)
	return out, err
}

// name is the adapter of request i, "" for the model itself.
func (a Adapted) name(i int) string {
	rng := source(a.Seed, streamAdapter, i)
	n := len(a.Names)
	switch a.Mix {
	case MixUniform:
		return a.Names[rng.IntN(n)]
	case MixZipf:
		return a.Names[zipf(n, rng.Float64())]
	case MixMixed:
		if rng.IntN(2) == 0 {
			return ""
		}
		return a.Names[rng.IntN(n)]
	case MixAllUnique:
		return a.Names[((i%n)+n)%n]
	default: // MixSingle
		return a.Names[0]
	}
}

// zipf is the index, of n, at a share x of the weights 1, 1/2, 1/3 and so on.
func zipf(n int, x float64) int {
	total := 0.0
	for k := range n {
		total += 1 / float64(k+1)
	}
	for k := range n {
		if x -= 1 / float64(k+1) / total; x < 0 {
			return k
		}
	}
	return n - 1
}
