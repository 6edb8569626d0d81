package qnn

// Convolution returns a depthwise layer of one input channel as the convolution
// that it is: all outputs read the same channel. Other layers are returned as they
// are. The numbers stay, the depthwise rounding among them, only the weights are
// laid out as [OC][KH][KW][1]. Kernels for convolutions fill their vectors with
// output channels, those for depthwise layers with input channels.
func (l *Layer) Convolution() *Layer {
	if l.Kind != DepthwiseLayer || l.C != 1 {
		return l
	}
	c := *l
	c.Kind, c.Multiplier = ConvLayer, 0
	cells := l.KH * l.KW
	c.Weights = make([]byte, len(l.Weights))
	for cell := range cells {
		for oc := range l.OC {
			c.Weights[oc*cells+cell] = l.Weights[cell*l.OC+oc]
		}
	}
	return &c
}
