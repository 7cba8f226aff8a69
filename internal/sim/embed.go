package sim

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
)

// embeddingSize is the dimension of a simulated embedding.
const embeddingSize = 16

// vector is the embedding of prompt i: a function of the prompt alone, of length one.
func vector(r *request, i int) []float64 {
	rng := source(r.prompts[i].hash, streamText, 0)
	v := make([]float64, embeddingSize)
	var sum float64
	for k := range v {
		v[k] = rng.NormFloat64()
		sum += v[k] * v[k]
	}
	for k := range v {
		v[k] /= math.Sqrt(sum)
	}
	return v
}

// appendVector appends the embedding of prompt i as a list of numbers, or as
// base64 of little-endian float32 if that is asked for.
func appendVector(dst []byte, r *request, i int) []byte {
	if r.encoding != "base64" {
		return appendNumbers(dst, vector(r, i))
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, appendOctets(nil, vector(r, i)))
	return append(dst, '"')
}

func appendOctets(dst []byte, v []float64) []byte {
	for _, x := range v {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(x)))
	}
	return dst
}

func appendNumbers(dst []byte, v []float64) []byte {
	return appendList(dst, len(v), func(dst []byte, k int) []byte { return strconv.AppendFloat(dst, v[k], 'g', -1, 64) })
}
