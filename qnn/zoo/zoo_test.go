package zoo

import (
	"slices"
	"strings"
	"testing"
)

// TestNames: every listed name is known, and a network's name is its own.
func TestNames(t *testing.T) {
	names := Names()
	if len(names) != 2*(5+4*4+5*4+1) {
		t.Errorf("%d names", len(names))
	}
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			t.Errorf("%s is listed twice", name)
		}
		seen[name] = true
		g, err := draw(name)
		if err != nil {
			t.Error(err)
		} else if g.Name != name {
			t.Errorf("%s is called %s", name, g.Name)
		}
	}
	for _, name := range []string{"inception_v1", "inception_v4_int8", "mobilenet_v1_0.25_128", "mobilenet_v2_0.35_96_int8", "resnet_50"} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not listed", name)
		}
	}
}

// TestOtherSpellings: a width may be written in several ways, and means the
// same network.
func TestOtherSpellings(t *testing.T) {
	for _, c := range []struct{ name, means string }{
		{"mobilenet_v1_1.0_224", "mobilenet_v1"},
		{"mobilenet_v1_1_224_int8", "mobilenet_v1_int8"},
		{"mobilenet_v2_.350_96", "mobilenet_v2_0.35_96"},
		{"mobilenet_v2_1_96", "mobilenet_v2_1.0_96"},
		{"mobilenet_v2_1.3_256", "mobilenet_v2_1.3_256"},
	} {
		g, err := draw(c.name)
		if err != nil {
			t.Error(err)
		} else if g.Name != c.means {
			t.Errorf("%s means %s, want %s", c.name, g.Name, c.means)
		}
	}
}

// TestUnknownNames: one line says what is wrong, and what there is.
func TestUnknownNames(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"", "there are inception_v1, inception_v2,"},
		{"inception_v5", "mobilenet_v1[_WIDTH_RESOLUTION]"},
		{"inception_v1_int4", "each also with the suffix _int8"},
		{"inception_v1_int8_int8", "unknown network"},
		{"Inception_v1", "unknown network"},
		{"mobilenet_v3", "unknown network"},
		{"resnet_50_0.5_224", "unknown network"},
		{"mobilenet_v1_0.5", `want _WIDTH_RESOLUTION, for example _0.5_160, not "_0.5"`},
		{"mobilenet_v10.5_160", "want _WIDTH_RESOLUTION"},
		{"mobilenet_v1_0_224", `the width is "0"`},
		{"mobilenet_v1_-1_224", `the width is "-1"`},
		{"mobilenet_v1_NaN_224", `the width is "NaN"`},
		{"mobilenet_v1_+Inf_224", `the width is "+Inf"`},
		{"mobilenet_v1_4.1_224", `the width is "4.1"`},
		{"mobilenet_v2_1.0_100", `the resolution is "100", want a multiple of 32`},
		{"mobilenet_v2_1.0_0", `the resolution is "0"`},
		{"mobilenet_v2_1.0_1056", `the resolution is "1056"`},
		{"mobilenet_v2_1.0_224_", "want _WIDTH_RESOLUTION"},
		{"inception_v1\n", "unknown network"},
	} {
		_, err := Build(c.name)
		if err == nil {
			t.Errorf("%q is known", c.name)
			continue
		}
		if text := err.Error(); !strings.Contains(text, c.want) || strings.Contains(text, "\n") {
			t.Errorf("%q: %s; want one line with %q", c.name, text, c.want)
		}
		if _, err := SizeOf(c.name); err == nil {
			t.Errorf("%q has a size", c.name)
		}
	}
}
