// Package photo turns a picture file (BMP, PNG or JPEG, recognised by content)
// into the bytes that an image network reads: [height][width][channel], one
// byte each, red first. Pixels are picked, never blended, so that the bytes
// are the same everywhere:
//
//	dst(y, x) = src(floor(y*H/h), floor(x*W/w))
//
// Files are taken to be hostile: a picture is refused by the size that its
// header claims before anything of that size is allocated.
package photo

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // decoder
	_ "image/png"  // decoder

	_ "golang.org/x/image/bmp" // decoder
)

// maxPixels bounds the pictures that are decoded. A decoder needs up to 16
// bytes a pixel (progressive JPEG).
const maxPixels = 1 << 25

// Decode reads a picture.
func Decode(file []byte) (image.Image, error) {
	c, _, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("not a BMP, PNG or JPEG picture: %w", err)
	}
	if c.Width <= 0 || c.Height <= 0 {
		return nil, fmt.Errorf("an empty picture of %dx%d pixels", c.Width, c.Height)
	}
	if c.Width > maxPixels/c.Height {
		return nil, fmt.Errorf("a picture of %dx%d pixels is too large (at most %d pixels)", c.Width, c.Height, maxPixels)
	}
	img, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("a damaged picture: %w", err)
	}
	return img, nil
}

// Sample resizes img to h x w pixels of 3 channels (red, green, blue) or 1
// (luminance).
func Sample(img image.Image, h, w, channels int) ([]byte, error) {
	if channels != 1 && channels != 3 {
		return nil, fmt.Errorf("a picture has 1 or 3 channels, not %d", channels)
	}
	b := img.Bounds()
	out := make([]byte, 0, h*w*channels)
	for y := range h {
		for x := range w {
			px := img.At(b.Min.X+x*b.Dx()/w, b.Min.Y+y*b.Dy()/h)
			if channels == 1 {
				out = append(out, color.GrayModel.Convert(px).(color.Gray).Y)
				continue
			}
			c := color.NRGBAModel.Convert(px).(color.NRGBA)
			out = append(out, c.R, c.G, c.B)
		}
	}
	return out, nil
}
