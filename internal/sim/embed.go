package sim

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
)

// embeddingSize is the dimension of a simulated embedding.
const embeddingSize = 16

// appendVector is the embedding of prompt i: a function of the prompt alone, of
// length one, as a list of numbers or as base64 of little-endian float32.
func appendVector(dst []byte, r *request, i int) []byte {
	rng := source(r.prompts[i].hash, streamText, 0)
	var v [embeddingSize]float64
	var sum float64
	for k := range v {
		v[k] = rng.NormFloat64()
		sum += v[k] * v[k]
	}
	norm := math.Sqrt(sum)
	if r.base64 {
		var raw []byte
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(x/norm)))
		}
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, raw)
		return append(dst, '"')
	}
	dst = append(dst, '[')
	for k, x := range v {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendFloat(dst, x/norm, 'g', -1, 64)
	}
	return append(dst, ']')
}
