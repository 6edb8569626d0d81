package flex

import (
	"maps"
	"testing"
)

// written is the map of an SSD network by the FlexBuffers of the C++ library:
// {"b": true, "f": 0.5, "i": -3}, in the narrowest widths (a float needs 4).
var written = []byte{
	'b', 0, 'f', 0, 'i', 0, // keys at 0, 2, 4
	3, 7, 6, 5, // keys vector at 7: offsets of 1 byte, from 7, 8 and 9
	0, 0, // padding to 4
	5, 0, 0, 0, // offset of the keys vector: 12 - 5
	1, 0, 0, 0, // their width
	3, 0, 0, 0, // entries
	1, 0, 0, 0, // true
	0, 0, 0, 0x3f, // 0.5
	0xfd, 0xff, 0xff, 0xff, // -3
	typeBool << 2, typeFloat<<2 | 2, typeInt << 2,
	15,             // offset of the map at 24
	typeMap<<2 | 2, // of 4 bytes
	1,
}

func TestNumbers(t *testing.T) {
	got, err := Numbers(written)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]float64{"b": 1, "f": 0.5, "i": -3}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRoundTrip(t *testing.T) {
	b := Write(map[string]int{"max": 10, "zero": 0, "negative": -7}, map[string]float32{"threshold": 0.25, "a": 1e-8})
	got, err := Numbers(b)
	want := map[string]float64{"max": 10, "zero": 0, "negative": -7, "threshold": 0.25, "a": float64(float32(1e-8))}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v (%v), want %v", got, err, want)
	}
}

// Whatever is wrong with a buffer is an error, not a panic.
func FuzzNumbers(f *testing.F) {
	f.Add(written)
	f.Add(Write(map[string]int{"max_detections": 10}, map[string]float32{"y_scale": 10}))
	f.Add([]byte{})
	f.Add([]byte{0, typeMap << 2, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := Numbers(b); err == nil && len(m) > maxEntries {
			t.Errorf("%d entries", len(m))
		}
	})
}

func TestDamaged(t *testing.T) {
	for n := range written {
		if _, err := Numbers(written[:n]); err == nil {
			t.Errorf("the first %d bytes are no error", n)
		}
	}
	for i := range written {
		for _, v := range []byte{0, 1, 0x7f, 0x80, 0xff, written[i] + 1} {
			b := append([]byte{}, written...)
			b[i] = v
			_, _ = Numbers(b) // must not panic
		}
	}
	if _, err := Numbers([]byte{1, typeInt << 2, 1}); err == nil {
		t.Error("a number is no map")
	}
}
