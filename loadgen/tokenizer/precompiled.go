package tokenizer

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// charsmap is sentencepiece's compiled table of what characters are written as:
// a double array (of Darts-clone) from what is replaced to where in texts what
// replaces it begins; a zero byte ends it.
type charsmap struct {
	units []uint32
	texts string
}

var errCharsmap = errors.New("the precompiled characters are cut off")

func readCharsmap(encoded string) (*charsmap, error) {
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, err
	}
	if len(data) < 4 {
		return nil, errCharsmap
	}
	size, data := int64(binary.LittleEndian.Uint32(data)), data[4:]
	if size > int64(len(data)) || size < 4 {
		return nil, errCharsmap
	}
	m := &charsmap{units: make([]uint32, size/4)}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	m.texts = string(data[len(m.units)*4:])
	if !utf8.ValidString(m.texts) {
		return nil, errors.New("the precompiled characters are not in UTF-8")
	}
	return m, nil
}

// Bits of a unit.
const (
	unitLabel  = 1<<31 | 0xFF
	unitLeaf   = 1 << 8
	unitWide   = 1 << 9
	unitOffset = 10 // bits before it
	unitValue  = 1<<31 - 1
)

func unitStep(unit uint32) uint32 {
	step := unit >> unitOffset
	if unit&unitWide != 0 {
		step <<= 8
	}
	return step
}

// of is what the shortest key that s begins with is written as.
func (m *charsmap) of(s string) (text string, ok bool) {
	at := unitStep(m.units[0])
	for i := 0; i < len(s) && s[i] != 0; i++ {
		if at ^= uint32(s[i]); int(at) >= len(m.units) || m.units[at]&unitLabel != uint32(s[i]) {
			return "", false
		}
		leaf := m.units[at]&unitLeaf != 0
		if at ^= unitStep(m.units[at]); int(at) >= len(m.units) {
			return "", false
		}
		if leaf {
			return m.text(m.units[at] & unitValue)
		}
	}
	return "", false
}

func (m *charsmap) text(from uint32) (text string, ok bool) {
	if int64(from) >= int64(len(m.texts)) || !utf8.RuneStart(m.texts[from]) {
		return "", false
	}
	text, _, _ = strings.Cut(m.texts[from:], "\x00")
	return text, true
}

// longestCluster is how many bytes of characters that belong together are looked
// up together. The reference does so, and then takes the shortest key for all of
// them: what comes after it is lost. Sentencepiece itself takes the longest.
const longestCluster = 5

// normalize writes s as the table says.
func (m *charsmap) normalize(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for clusters := graphemes.FromString(s); clusters.Next(); {
		cluster := clusters.Value()
		if len(cluster) <= longestCluster {
			if text, ok := m.of(cluster); ok {
				b.WriteString(text)
				continue
			}
		}
		for i, r := range cluster {
			c := cluster[i : i+utf8.RuneLen(r)]
			if text, ok := m.of(c); ok {
				c = text
			}
			b.WriteString(c)
		}
	}
	return b.String()
}

func precompiled(encoded string) (normalizer, error) {
	m, err := readCharsmap(encoded)
	if err != nil {
		return nil, fmt.Errorf("reading its normalizer: %w", err)
	}
	return rewrite(m.normalize), nil
}
