package photo

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
)

// gradient is a picture in which every pixel tells where it is.
func gradient(w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, color.RGBA{R: uint8(x), G: uint8(y), B: uint8(x ^ y), A: 255})
		}
	}
	return img
}

func encoded(t *testing.T, encode func(*bytes.Buffer, image.Image) error, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSamplePicksPixels(t *testing.T) {
	const w, h, toW, toH = 50, 31, 20, 40
	src := gradient(w, h)
	for name, encode := range map[string]func(*bytes.Buffer, image.Image) error{
		"bmp": func(b *bytes.Buffer, i image.Image) error { return bmp.Encode(b, i) },
		"png": func(b *bytes.Buffer, i image.Image) error { return png.Encode(b, i) },
	} {
		img, err := Decode(encoded(t, encode, src))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := Sample(img, toH, toW, 3)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for y := range toH {
			for x := range toW {
				sx, sy := x*w/toW, y*h/toH
				want := []byte{byte(sx), byte(sy), byte(sx ^ sy)}
				if at := (y*toW + x) * 3; !bytes.Equal(got[at:at+3], want) {
					t.Fatalf("%s: pixel (%d,%d) is %v, want %v", name, y, x, got[at:at+3], want)
				}
			}
		}
	}
}

func TestSampleOneChannel(t *testing.T) {
	grey := image.NewGray(image.Rect(0, 0, 2, 1))
	grey.Pix[0], grey.Pix[1] = 7, 200
	img, err := Decode(encoded(t, func(b *bytes.Buffer, i image.Image) error { return png.Encode(b, i) }, grey))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Sample(img, 1, 2, 1)
	if err != nil || !bytes.Equal(got, []byte{7, 200}) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := Sample(img, 1, 2, 4); err == nil {
		t.Error("4 channels were accepted")
	}
}

func TestDecodeJPEG(t *testing.T) {
	file := encoded(t, func(b *bytes.Buffer, i image.Image) error { return jpeg.Encode(b, i, nil) }, gradient(16, 8))
	img, err := Decode(file)
	if err != nil || img.Bounds().Dx() != 16 || img.Bounds().Dy() != 8 {
		t.Errorf("got %v, %v", img, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := encoded(t, func(b *bytes.Buffer, i image.Image) error { return bmp.Encode(b, i) }, gradient(9, 9))
	huge := bytes.Clone(good)
	binary.LittleEndian.PutUint32(huge[18:], 1<<20)
	binary.LittleEndian.PutUint32(huge[22:], 1<<20)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":     {nil, "not a BMP, PNG or JPEG"},
		"text":      {[]byte("hello, world"), "not a BMP, PNG or JPEG"},
		"truncated": {good[:len(good)-20], "damaged"},
		"huge":      {huge, "too large"},
	} {
		if _, err := Decode(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", name, err, c.want)
		}
	}
}

// Decoders meet whatever file a user names: errors are fine, panics are not.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("BM"))
	for _, encode := range []func(*bytes.Buffer, image.Image) error{
		func(b *bytes.Buffer, i image.Image) error { return bmp.Encode(b, i) },
		func(b *bytes.Buffer, i image.Image) error { return png.Encode(b, i) },
		func(b *bytes.Buffer, i image.Image) error { return jpeg.Encode(b, i, nil) },
	} {
		var b bytes.Buffer
		if err := encode(&b, gradient(5, 4)); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		img, err := Decode(file)
		if err != nil {
			return
		}
		if out, err := Sample(img, 3, 3, 3); err != nil || len(out) != 27 {
			t.Errorf("%d bytes, %v", len(out), err)
		}
	})
}

// The golden inputs were made from the photographs by somebody else's code.
func TestSampleEqualsGoldenInput(t *testing.T) {
	shared := filepath.Join("..", "..", "..", "shared")
	if _, err := os.Stat(shared); err != nil {
		t.Skip("no ../shared beside the module")
	}
	file, err := os.ReadFile(filepath.Join(shared, "images", "cat.bmp"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(shared, "golden", "mobilenet_v2_1.0_224_quant", "photo.in.bin"))
	if err != nil {
		t.Fatal(err)
	}
	img, err := Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Sample(img, 224, 224, 3); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the photograph differs from the golden input (%v)", err)
	}
}
