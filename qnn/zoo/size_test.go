package zoo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSizes: the sizes of all networks are those that the tables give.
func TestSizes(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "sizes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, name := range Names() {
		if strings.HasSuffix(name, int8Suffix) {
			continue // of the same size
		}
		size, err := SizeOf(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s %s %d %d\n", name, size.Input, size.MACs, size.Parameters)
	}
	if got.String() != string(want) {
		t.Errorf("got:\n%s", got.String())
	}
}

// TestPublishedSizes compares with what was published, in millions, rounded as
// there. Batch normalisation's parameters are folded here, and the classes are
// 1001, so that parameters differ by a percent or two.
func TestPublishedSizes(t *testing.T) {
	for _, p := range []struct {
		name             string
		macs, parameters float64
	}{
		// MobileNets (arXiv:1704.04861), tables 6 and 7.
		{"mobilenet_v1", 569, 4.2}, {"mobilenet_v1_0.75_224", 325, 2.6},
		{"mobilenet_v1_0.5_224", 149, 1.3}, {"mobilenet_v1_0.25_224", 41, 0.5},
		{"mobilenet_v1_1.0_192", 418, 4.2}, {"mobilenet_v1_1.0_160", 290, 4.2}, {"mobilenet_v1_1.0_128", 186, 4.2},
		// MobileNetV2 (arXiv:1801.04381), table 4; the others are the authors' list of models.
		{"mobilenet_v2", 300, 3.47}, {"mobilenet_v2_1.4_224", 582, 6.06},
		{"mobilenet_v2_0.75_224", 209, 2.61}, {"mobilenet_v2_0.5_160", 50, 1.95}, {"mobilenet_v2_0.35_224", 59, 1.66},
		// GoogLeNet (arXiv:1409.4842), table 1: the sum of its rows, 1502, with
		// 118 in place of 34 for the first, which has 112*112*64 filters of 7*7*3.
		{"inception_v1", 1586, 7.0},
		// Batch Normalization (arXiv:1502.03167); figures of slim's inception_v2.
		{"inception_v2", 1940, 11.2},
		// Rethinking Inception (arXiv:1512.00567) and Inception-v4 (arXiv:1602.07261).
		{"inception_v3", 5700, 23.8}, {"inception_v4", 12300, 42.6},
		// ResNet-50 v1.5.
		{"resnet_50", 4100, 25.5},
	} {
		size, err := SizeOf(p.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(size.MACs) / 1e6; !near(got, p.macs) {
			t.Errorf("%s: %.1f million MACs, published are %g", p.name, got, p.macs)
		}
		if got := float64(size.Parameters) / 1e6; !near(got, p.parameters) {
			t.Errorf("%s: %.3f million parameters, published are %g", p.name, got, p.parameters)
		}
	}
}

// near allows for a hundredth and the rounding of what has two digits.
func near(got, published float64) bool {
	return got > 0.99*published-0.05 && got < 1.01*published+0.05
}
