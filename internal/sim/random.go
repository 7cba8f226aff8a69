package sim

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
)

// Streams of random numbers, kept apart so that drawing more from one never
// shifts another.
const (
	streamText  = 0x7465787400000000
	streamTime  = 0x74696d6500000000
	streamFault = 0x6661756c00000000
)

// source returns the generator of one stream: the same arguments give the same
// numbers for ever.
func source(seed, stream, n uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed^stream, mix(n^stream)))
}

// mix spreads the bits of n (the finalizer of SplitMix64), so that neighbouring
// numbers seed unrelated generators.
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

func hashString(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // a hash never fails
	return h.Sum64()
}

// chain folds n into a running hash.
func chain(h, n uint64) uint64 { return mix(h ^ mix(n)) }

// hexID writes 16 hexadecimal digits for n.
func hexID(n uint64) string {
	const digits = "0123456789abcdef"
	var b [8]byte
	var out [16]byte
	binary.BigEndian.PutUint64(b[:], n)
	for i, c := range b {
		out[2*i], out[2*i+1] = digits[c>>4], digits[c&15]
	}
	return string(out[:])
}
