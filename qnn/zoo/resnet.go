package zoo

import (
	"fmt"

	"qtune/qnn"
)

// resNet50 draws ResNet-50: He et al., "Deep Residual Learning for Image
// Recognition", arXiv:1512.03385, table 1, in the variant called v1.5, in which
// the 3x3 convolution of a block carries the stride instead of the first 1x1
// (Goyal et al., arXiv:1706.02677, section 5). As in TensorFlow's model, a
// convolution with a stride takes its padding, the same on all sides, from a
// PAD operator.
func resNet50(s *sketch, x qnn.TensorID) *qnn.Graph {
	stages := []struct{ channels, blocks, stride int }{
		{64, 3, 1},
		{128, 4, 2},
		{256, 6, 2},
		{512, 3, 2},
	}
	x = stridedConv(s, "conv1", x, 64, square(7, 2))
	x = s.apply("pool1", qnn.MaxPool{Pool: square(3, 2).pool()}, x)
	for i, st := range stages {
		for block := range st.blocks {
			stride := 1
			if block == 0 {
				stride = st.stride
			}
			x = bottleneck(s, fmt.Sprintf("conv%d_%d", i+2, block+1), x, st.channels, stride, block == 0)
		}
	}
	axes := s.ints("average/axes", qnn.Shape{2}, 1, 2)
	return s.classifyDense(s.apply("average", qnn.Mean{}, x, axes))
}

// bottleneck is the block of the paper's figure 5: 1x1, 3x3 and 1x1 to four
// times the channels, added to x or, where shapes differ, to a projection of it.
func bottleneck(s *sketch, name string, x qnn.TensorID, channels, stride int, project bool) qnn.TensorID {
	y := s.conv(name+"/1x1", x, channels, square(1, 1), qnn.Relu)
	if stride == 1 {
		y = s.conv(name+"/3x3", y, channels, square(3, 1), qnn.Relu)
	} else {
		y = stridedConv(s, name+"/3x3", y, channels, square(3, stride))
	}
	y = s.conv(name+"/expand", y, 4*channels, square(1, 1), qnn.NoActivation)
	if project {
		x = s.conv(name+"/shortcut", x, 4*channels, square(1, stride), qnn.NoActivation)
	}
	return s.apply(name+"/add", qnn.Add{Activation: qnn.Relu}, x, y)
}

// stridedConv pads by half the window, then convolves without padding.
func stridedConv(s *sketch, name string, x qnn.TensorID, channels int, win window) qnn.TensorID {
	x = s.pad(name+"/pad", x, win.kh/2)
	win.padding = qnn.Valid
	return s.conv(name, x, channels, win, qnn.Relu)
}
