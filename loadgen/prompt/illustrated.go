package prompt

import (
	"bytes"
	"fmt"
	"image"
	"image/color/palette"
	"image/png"
	"regexp"
	"slices"
	"strconv"
	"sync"
)

// Size is that of an image, in pixels.
type Size struct{ Width, Height int }

// largestSide is that of the largest image that is made.
const largestSide = 8192

var sizeForm = regexp.MustCompile(`^(\d{1,5})[xX×](\d{1,5})$`)

// ParseSize reads a size such as 512x512: width, then height.
func ParseSize(text string) (Size, error) {
	m := sizeForm.FindStringSubmatch(text)
	if m == nil {
		return Size{}, fmt.Errorf("reading the image size %q: write WIDTHxHEIGHT, such as 512x512", text)
	}
	var s Size
	for i, side := range []*int{&s.Width, &s.Height} {
		n, err := strconv.Atoi(m[i+1])
		if err != nil || n < 1 || n > largestSide {
			return Size{}, fmt.Errorf("reading the image size %q: sides are from 1 to %d pixels", text, largestSide)
		}
		*side = n
	}
	return s, nil
}

// Illustrated adds made images to each prompt, of coloured blocks: others for
// each request and the same for the same one.
type Illustrated struct {
	Source Source
	Seed   uint64
	Images int // added to each prompt
	Size   Size
}

// Prompt is that of the source, with images after those it has.
func (s Illustrated) Prompt(i int) (Prompt, error) {
	out, err := s.Source.Prompt(i)
	if err != nil {
		return out, err
	}
	out.Images = slices.Clip(out.Images) // they may be the source's own
	for k := range s.Images {
		data, err := s.paint(i*s.Images + k)
		if err != nil {
			return out, fmt.Errorf("making an image: %w", err)
		}
		out.Images = append(out.Images, Image{MIME: "image/png", Data: data})
	}
	return out, nil
}

// blocks are how many go along the shorter side of an image. So few compress
// well, and so many are never twice alike.
const blocks = 16

// encoder of PNG, at its fastest, with its buffers kept.
var encoder = png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: new(buffers)}

func (s Illustrated) paint(n int) ([]byte, error) {
	rng := source(s.Seed, streamImage, n)
	w, h := s.Size.Width, s.Size.Height
	img := image.NewPaletted(image.Rect(0, 0, w, h), palette.Plan9)
	side := max(min(w, h)/blocks, 1)
	for y := 0; y < h; y++ {
		row := img.Pix[y*img.Stride : y*img.Stride+w]
		if y%side != 0 {
			copy(row, img.Pix[(y-1)*img.Stride:])
			continue
		}
		for x := 0; x < w; x += side {
			colour := uint8(rng.Uint32())
			for k := x; k < min(x+side, w); k++ {
				row[k] = colour
			}
		}
	}
	var out bytes.Buffer
	err := encoder.Encode(&out, img)
	return out.Bytes(), err
}

// buffers are the encoder's, for use by many goroutines.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() *png.EncoderBuffer {
	kept, _ := b.pool.Get().(*png.EncoderBuffer) // nil makes a new one
	return kept
}

func (b *buffers) Put(e *png.EncoderBuffer) { b.pool.Put(e) }
