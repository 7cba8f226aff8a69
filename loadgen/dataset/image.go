package dataset

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// imageOf makes an image of a column's value: an encoded image, or a text that
// says one as imageOfText reads it.
func imageOf(raw []byte) (Image, error) {
	if mime := imageType(raw); mime != "" {
		return imageOfBytes(raw)
	}
	return imageOfText(string(raw))
}

// imageOfText reads an http(s) URL, a data: URL or an image in base64.
func imageOfText(s string) (Image, error) {
	s = strings.TrimSpace(s)
	if u, err := url.Parse(s); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
		return Image{URL: s}, nil
	}
	payload := s
	if rest, ok := strings.CutPrefix(s, "data:"); ok {
		kind, data, found := strings.Cut(rest, ",")
		if !found || !strings.HasSuffix(kind, ";base64") {
			return Image{}, fmt.Errorf("data URL %q is not in base64", cut(s))
		}
		payload = data
	}
	if base64.StdEncoding.DecodedLen(len(payload)) > maxImageBytes+base64.StdEncoding.DecodedLen(4) {
		return Image{}, tooLargeImage(base64.StdEncoding.DecodedLen(len(payload)))
	}
	raw, err := base64.StdEncoding.DecodeString(payload)
	if err != nil {
		return Image{}, fmt.Errorf("image %q is neither an http(s) URL nor base64; files beside the dataset are not read", cut(s))
	}
	return imageOfBytes(raw)
}

// imageOfBytes takes raw as an image's content, after a look at what it is.
func imageOfBytes(raw []byte) (Image, error) {
	if len(raw) > maxImageBytes {
		return Image{}, tooLargeImage(len(raw))
	}
	mime := imageType(raw)
	if mime == "" {
		return Image{}, errors.New("its bytes are no PNG, JPEG, GIF, WebP or BMP image")
	}
	return Image{MIME: mime, Bytes: raw}, nil
}

// imageType sniffs an image's MIME type; "" for anything else.
func imageType(raw []byte) string {
	if mime := http.DetectContentType(raw); strings.HasPrefix(mime, "image/") {
		return mime
	}
	return ""
}

func tooLargeImage(n int) error {
	return fmt.Errorf("an image of %d MiB is more than the %d MiB that are read", n>>20, maxImageBytes>>20)
}

// cut shortens a value for an error message.
func cut(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
