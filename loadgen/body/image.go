package body

import (
	"encoding/base64"
	"fmt"

	"tokenomics/loadgen/prompt"
)

// addressOf is where an image is: its own address, or its bytes as one.
func addressOf(img prompt.Image) string {
	if len(img.Data) == 0 {
		return img.URL
	}
	return "data:" + img.MIME + ";base64," + base64.StdEncoding.EncodeToString(img.Data)
}

// allData are images as base64, for engines that fetch none.
func allData(images []prompt.Image) (list []string, err error) {
	for _, img := range images {
		if len(img.Data) == 0 {
			return nil, fmt.Errorf("it takes images, but no addresses of images such as %.100q", img.URL)
		}
		list = append(list, base64.StdEncoding.EncodeToString(img.Data))
	}
	return list, nil
}
