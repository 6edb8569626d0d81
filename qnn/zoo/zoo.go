// Package zoo builds the published image classifiers from the tables of their
// papers: Inception v1 to v4, MobileNet v1 and v2, ResNet-50, each in two
// quantisations. In goes a name, out comes a valid qnn.Graph, the same bytes on
// every machine. There is nothing to download; the price is that the weights
// are random, so that a network classifies nothing. Layers, shapes and the
// distribution of values, which is what speed and exactness depend on, are
// those of the trained ones.
//
// Quantisations:
//
//   - uint8, asymmetric, one scale for all weights of a layer: what
//     quantisation-aware training leaves. Zero points of weights are not 128.
//   - int8 (names that end in _int8): symmetric weights with a scale for each
//     output channel, as post-training quantisation makes them.
//
// A network is built in two steps. A sketch (sketch.go, with the tables in
// inception_tables.go, mobilenet.go and resnet.go) is operators and shapes. fill
// (fill.go) then goes through the layers in order, with a small sample of every
// activation (tile.go), draws the weights and solves for weight scales and
// biases such that each layer's outputs fill their range, whatever its depth:
// the idea of batch normalisation, of which a trained network keeps the same
// trace, applied once to random weights (as Mishkin and Matas, "All you need is
// a good init", arXiv:1511.06422).
//
// Batch normalisation is folded into the convolutions, and activations are
// fused, as TensorFlow Lite's converter does. Operators whose values
// TensorFlow Lite only moves (pooling, concatenation, reshape) have the
// quantisation of their inputs.
package zoo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"qtune/qnn"
)

// int8Suffix marks the names of the int8 networks.
const int8Suffix = "_int8"

// fixed lists the networks that come in one size.
var fixed = []struct {
	name       string
	resolution int
	draw       func(*sketch, qnn.TensorID) *qnn.Graph
}{
	{"inception_v1", 224, inceptionV1},
	{"inception_v2", 224, inceptionV2},
	{"inception_v3", 299, inceptionV3},
	{"inception_v4", 299, inceptionV4},
	{"resnet_50", 224, resNet50},
}

// families lists the networks that have a width and a resolution, with those of
// their papers: table 6 and 7 of MobileNet v1; section 6.1 of MobileNet v2,
// which has the width 1.4 at the full resolution only.
var families = []struct {
	name        string
	widths      []float64
	resolutions []int
	extra       []string
	draw        func(*sketch, qnn.TensorID, float64) *qnn.Graph
}{
	{"mobilenet_v1", []float64{1, 0.75, 0.5, 0.25}, []int{224, 192, 160, 128}, nil, mobileNetV1},
	{"mobilenet_v2", []float64{1, 0.75, 0.5, 0.35}, []int{224, 192, 160, 128, 96}, []string{"1.4_224"}, mobileNetV2},
}

// Names lists the networks of the papers. Build knows more: MobileNets of any
// width up to 4, and any resolution that is a multiple of 32 up to 1024.
func Names() []string {
	var names []string
	for _, f := range fixed {
		names = append(names, f.name)
	}
	for _, f := range families {
		for _, r := range f.resolutions {
			for _, w := range f.widths {
				names = append(names, sizedName(f.name, w, r))
			}
		}
		for _, x := range f.extra {
			names = append(names, f.name+"_"+x)
		}
	}
	slices.Sort(names)
	for _, n := range slices.Clone(names) {
		names = append(names, n+int8Suffix)
	}
	return names
}

// Build makes the network of the given name: of Names, or a MobileNet of
// another width and resolution, such as "mobilenet_v2_0.35_96_int8". Width 1
// and resolution 224 may be left out.
func Build(name string) (*qnn.Graph, error) {
	g, err := draw(name)
	if err != nil {
		return nil, err
	}
	fill(g)
	return g, nil
}

// draw makes the network without weights and quantisation.
func draw(name string) (*qnn.Graph, error) {
	base, isInt8 := strings.CutSuffix(name, int8Suffix)
	typ, suffix := qnn.Uint8, ""
	if isInt8 {
		typ, suffix = qnn.Int8, int8Suffix
	}
	for _, f := range fixed {
		if f.name == base {
			s, image := newSketch(name, typ, f.resolution)
			return f.draw(s, image), nil
		}
	}
	for _, f := range families {
		size, ok := strings.CutPrefix(base, f.name)
		if !ok {
			continue
		}
		width, resolution, err := parseSize(size)
		if err != nil {
			return nil, fmt.Errorf("network %q: %w", name, err)
		}
		s, image := newSketch(sizedName(f.name, width, resolution)+suffix, typ, resolution)
		return f.draw(s, image, width), nil
	}
	return nil, fmt.Errorf("unknown network %q; there are %s, each also with the suffix %s", name, patterns(), int8Suffix)
}

// patterns lists the names in short.
func patterns() string {
	var all []string
	for _, f := range fixed {
		all = append(all, f.name)
	}
	for _, f := range families {
		all = append(all, f.name+"[_WIDTH_RESOLUTION]")
	}
	return strings.Join(all, ", ")
}

// sizedName is the one name of a network of a family; the full size goes
// without saying.
func sizedName(family string, width float64, resolution int) string {
	if width == 1 && resolution == 224 {
		return family
	}
	w := strconv.FormatFloat(width, 'f', -1, 64)
	if !strings.Contains(w, ".") {
		w += ".0"
	}
	return fmt.Sprintf("%s_%s_%d", family, w, resolution)
}

// parseSize reads "_WIDTH_RESOLUTION", or nothing.
func parseSize(text string) (width float64, resolution int, err error) {
	if text == "" {
		return 1, 224, nil
	}
	words := strings.Split(text, "_")
	if len(words) != 3 || words[0] != "" {
		return 0, 0, fmt.Errorf("want _WIDTH_RESOLUTION, for example _0.5_160, not %q", text)
	}
	width, err = strconv.ParseFloat(words[1], 64)
	if err != nil || !(width > 0 && width <= 4) {
		return 0, 0, fmt.Errorf("the width is %q, want a number up to 4", words[1])
	}
	resolution, err = strconv.Atoi(words[2])
	if err != nil || resolution < 32 || resolution > 1024 || resolution%32 != 0 {
		return 0, 0, fmt.Errorf("the resolution is %q, want a multiple of 32 up to 1024", words[2])
	}
	return width, resolution, nil
}
