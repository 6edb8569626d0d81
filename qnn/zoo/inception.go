package zoo

import (
	"fmt"
	"strconv"
	"strings"

	"qtune/qnn"
)

// A module is a row of an Inception network's table: branches that all read the
// module's input and whose outputs are concatenated. One branch alone is a
// plain chain of layers, as in the stem.
//
// A branch is text, close to how the papers draw it: layers from left to right
// between commas.
//
//	3x3 64         convolution, 64 filters of 3x3, ReLU, padding "same"
//	3x3/2v 64      the same with stride 2 and without padding ("valid")
//	max 3x3/2      pooling by maximum; avg likewise
//	dw 7x7/2 8     depthwise convolution, 8 filters for each channel, no activation
//	1x3 64 | 3x1 64    two layers that read the same, both outputs of the branch
type module struct {
	name     string
	branches []string
}

func stem(name, layers string) module { return module{name, []string{layers}} }

func mixed(name string, branches ...string) module { return module{name, branches} }

// inception draws the modules of a table one after the other.
func inception(s *sketch, x qnn.TensorID, table []module) qnn.TensorID {
	for _, m := range table {
		var outputs []qnn.TensorID
		for i, b := range m.branches {
			name := m.name
			if len(m.branches) > 1 {
				name = fmt.Sprintf("%s/branch_%d", m.name, i)
			}
			outputs = append(outputs, branch(s, name, x, b)...)
		}
		x = outputs[0]
		if len(outputs) > 1 {
			x = s.apply(m.name+"/concat", qnn.Concat{Axis: 3}, outputs...)
		}
	}
	return x
}

// branch draws the layers of a branch and returns its outputs.
func branch(s *sketch, name string, x qnn.TensorID, text string) []qnn.TensorID {
	layers := strings.Split(text, ",")
	for i, l := range layers {
		alternatives := strings.Split(l, "|")
		var outputs []qnn.TensorID
		for j, a := range alternatives {
			layerName := fmt.Sprintf("%s/%d", name, i)
			if len(alternatives) > 1 {
				layerName += string(rune('a' + j))
			}
			outputs = append(outputs, layer(s, layerName, x, strings.TrimSpace(a)))
		}
		if len(outputs) > 1 {
			return outputs
		}
		x = outputs[0]
	}
	return []qnn.TensorID{x}
}

// layer draws one layer of a branch.
func layer(s *sketch, name string, x qnn.TensorID, text string) qnn.TensorID {
	fields := strings.Fields(text)
	kind := fields[0]
	switch kind {
	case "max", "avg", "dw":
		fields = fields[1:]
	}
	win, filters := parseWindow(fields[0]), 0
	if kind != "max" && kind != "avg" {
		var err error
		if filters, err = strconv.Atoi(fields[1]); err != nil {
			panic(fmt.Sprintf("BUG: zoo: layer %q: %v", text, err))
		}
	}
	switch kind {
	case "max":
		return s.apply(name+"_max", qnn.MaxPool{Pool: win.pool()}, x)
	case "avg":
		return s.apply(name+"_avg", qnn.AveragePool{Pool: win.pool()}, x)
	case "dw":
		return s.depthwise(name+"_depthwise", x, filters, win, qnn.NoActivation)
	}
	return s.conv(fmt.Sprintf("%s_%dx%d", name, win.kh, win.kw), x, filters, win, qnn.Relu)
}

// parseWindow reads for example "3x3", "1x7" or "3x3/2v".
func parseWindow(text string) window {
	win := window{stride: 1}
	text, valid := strings.CutSuffix(text, "v")
	if valid {
		win.padding = qnn.Valid
	}
	size, stride, strided := strings.Cut(text, "/")
	_, err := fmt.Sscanf(size, "%dx%d", &win.kh, &win.kw)
	if err == nil && strided {
		_, err = fmt.Sscan(stride, &win.stride)
	}
	if err != nil {
		panic(fmt.Sprintf("BUG: zoo: window %q: %v", text, err))
	}
	return win
}
