package zoo

import (
	"fmt"

	"qtune/qnn"
)

// mobileNetV1 draws MobileNet v1: Howard et al., "MobileNets: Efficient
// Convolutional Neural Networks for Mobile Vision Applications",
// arXiv:1704.04861, table 1. The last block has stride 1 as in the authors'
// model; the table's stride 2 does not fit its extents.
func mobileNetV1(s *sketch, x qnn.TensorID, width float64) *qnn.Graph {
	blocks := []struct{ channels, stride, repeat int }{
		{64, 1, 1},
		{128, 2, 1}, {128, 1, 1},
		{256, 2, 1}, {256, 1, 1},
		{512, 2, 1}, {512, 1, 5},
		{1024, 2, 1}, {1024, 1, 1},
	}
	scaled := func(c int) int { return max(8, int(float64(c)*width)) }
	x = s.conv("conv_0", x, scaled(32), square(3, 2), qnn.Relu6)
	number := 0
	for _, b := range blocks {
		for range b.repeat {
			number++
			name := fmt.Sprintf("conv_%d", number)
			x = s.depthwise(name+"/depthwise", x, 1, square(3, b.stride), qnn.Relu6)
			x = s.conv(name+"/pointwise", x, scaled(b.channels), square(1, 1), qnn.Relu6)
		}
	}
	return s.classifyConv(s.averageAll(x))
}

// mobileNetV2 draws MobileNet v2: Sandler et al., "MobileNetV2: Inverted
// Residuals and Linear Bottlenecks", arXiv:1801.04381, table 2 (its columns t,
// c, n, s) and table 1, the block. As section 4 says, a width below 1 leaves
// the last convolution as it is.
func mobileNetV2(s *sketch, x qnn.TensorID, width float64) *qnn.Graph {
	stages := []struct{ t, c, n, s int }{
		{1, 16, 1, 1},
		{6, 24, 2, 2},
		{6, 32, 3, 2},
		{6, 64, 4, 2},
		{6, 96, 3, 1},
		{6, 160, 3, 2},
		{6, 320, 1, 1},
	}
	x = s.conv("conv_0", x, multipleOf8(32, width), square(3, 2), qnn.Relu6)
	number := 0
	for _, st := range stages {
		for i := range st.n {
			number++
			stride := 1
			if i == 0 {
				stride = st.s
			}
			x = invertedResidual(s, fmt.Sprintf("block_%d", number), x, st.t, multipleOf8(st.c, width), stride)
		}
	}
	x = s.conv("conv_last", x, multipleOf8(1280, max(1, width)), square(1, 1), qnn.Relu6)
	return s.classifyConv(s.averageAll(x))
}

// invertedResidual widens x by t, filters each channel, narrows to the given
// number of channels without an activation, and adds x where shapes agree.
func invertedResidual(s *sketch, name string, x qnn.TensorID, t, channels, stride int) qnn.TensorID {
	y := x
	if t != 1 {
		y = s.conv(name+"/expand", y, t*s.channels(x), square(1, 1), qnn.Relu6)
	}
	y = s.depthwise(name+"/depthwise", y, 1, square(3, stride), qnn.Relu6)
	y = s.conv(name+"/project", y, channels, square(1, 1), qnn.NoActivation)
	if stride == 1 && channels == s.channels(x) {
		y = s.apply(name+"/add", qnn.Add{}, x, y)
	}
	return y
}

// multipleOf8 scales a number of channels as the authors' code does: to the
// nearest multiple of 8 that is at least 8 and not below nine tenths.
func multipleOf8(channels int, width float64) int {
	exact := float64(float64(channels) * width)
	n := max(8, int(exact+4)/8*8)
	if float64(n) < 0.9*exact {
		n += 8
	}
	return n
}
