package prompt

import "math/rand/v2"

// Streams of random numbers, kept apart so that drawing more from one never
// shifts another.
const (
	streamLength = 0x6c656e67746800 + iota
	streamText
	streamPrefix
	streamGroup
	streamImage
	streamAdapter
	streamBlock
)

// source is the generator of one stream for request n: the same arguments give
// the same numbers for ever.
func source(seed, stream uint64, n int) *rand.Rand {
	return rand.New(rand.NewPCG(seed^stream, mix(uint64(n)^stream)))
}

// mix spreads the bits of n (the finalizer of SplitMix64), so that neighbouring
// numbers seed unrelated generators.
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}
