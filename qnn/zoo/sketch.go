package zoo

import (
	"encoding/binary"
	"fmt"

	"qtune/qnn"
)

// A sketch draws a network: operators, names and shapes. What it leaves out,
// the weights and every quantisation, is the work of fill.
type sketch struct {
	g   *qnn.Graph
	typ qnn.DType // of the activations
}

// newSketch starts a network of one square colour image. It returns the image.
func newSketch(name string, typ qnn.DType, resolution int) (*sketch, qnn.TensorID) {
	s := &sketch{g: &qnn.Graph{Name: name}, typ: typ}
	image := s.tensor(qnn.Tensor{Name: "input", Type: typ, Shape: qnn.Shape{1, resolution, resolution, 3}})
	s.g.Inputs = []qnn.TensorID{image}
	return s, image
}

// A window is the geometry of a convolution or pooling.
type window struct {
	kh, kw, stride int
	padding        qnn.Padding
}

// square is a k x k window that keeps the extent, divided by the stride.
func square(k, stride int) window { return window{k, k, stride, qnn.Same} }

func (w window) pool() qnn.Pool {
	return qnn.Pool{Padding: w.padding, StrideH: w.stride, StrideW: w.stride, FilterH: w.kh, FilterW: w.kw}
}

func (s *sketch) tensor(t qnn.Tensor) qnn.TensorID {
	s.g.Tensors = append(s.g.Tensors, t)
	return qnn.TensorID(len(s.g.Tensors) - 1)
}

// apply appends a node whose output's shape follows from its inputs'.
func (s *sketch) apply(name string, op qnn.Op, inputs ...qnn.TensorID) qnn.TensorID {
	y := s.tensor(qnn.Tensor{Name: name, Type: s.typ})
	s.g.Nodes = append(s.g.Nodes, qnn.Node{Op: op, Inputs: inputs, Outputs: []qnn.TensorID{y}, Index: len(s.g.Nodes)})
	shape, err := s.g.InferShape(&s.g.Nodes[len(s.g.Nodes)-1])
	if err != nil {
		panic(fmt.Sprintf("BUG: zoo: %s: %s: %v", s.g.Name, name, err))
	}
	s.g.Tensors[y].Shape = shape
	return y
}

// parameters adds the tensors of a layer's weights and bias, without values.
func (s *sketch) parameters(name string, weights qnn.Shape, channels int) (w, b qnn.TensorID) {
	w = s.tensor(qnn.Tensor{Name: name + "/weights", Type: s.typ, Shape: weights})
	b = s.tensor(qnn.Tensor{Name: name + "/bias", Type: qnn.Int32, Shape: qnn.Shape{channels}})
	return w, b
}

func (s *sketch) conv(name string, x qnn.TensorID, channels int, win window, act qnn.Activation) qnn.TensorID {
	w, b := s.parameters(name, qnn.Shape{channels, win.kh, win.kw, s.channels(x)}, channels)
	return s.apply(name, qnn.Conv2D{
		Padding: win.padding, StrideH: win.stride, StrideW: win.stride, DilationH: 1, DilationW: 1, Activation: act,
	}, x, w, b)
}

func (s *sketch) depthwise(name string, x qnn.TensorID, multiplier int, win window, act qnn.Activation) qnn.TensorID {
	channels := s.channels(x) * multiplier
	w, b := s.parameters(name, qnn.Shape{1, win.kh, win.kw, channels}, channels)
	return s.apply(name, qnn.Depthwise{
		Padding: win.padding, StrideH: win.stride, StrideW: win.stride, DilationH: 1, DilationW: 1,
		Multiplier: multiplier, Activation: act,
	}, x, w, b)
}

func (s *sketch) dense(name string, x qnn.TensorID, channels int) qnn.TensorID {
	w, b := s.parameters(name, qnn.Shape{channels, s.channels(x)}, channels)
	return s.apply(name, qnn.Dense{}, x, w, b)
}

// reshape gives x a shape of two dimensions: its batch of 1, and all else.
func (s *sketch) reshape(name string, x qnn.TensorID) qnn.TensorID {
	shape := qnn.Shape{1, s.shape(x).Elems()}
	target := s.ints(name+"/shape", qnn.Shape{2}, shape...)
	y := s.tensor(qnn.Tensor{Name: name, Type: s.typ, Shape: shape})
	s.g.Nodes = append(s.g.Nodes, qnn.Node{
		Op: qnn.Reshape{}, Inputs: []qnn.TensorID{x, target}, Outputs: []qnn.TensorID{y}, Index: len(s.g.Nodes),
	})
	return y
}

// pad surrounds x with n rows and columns of zeros.
func (s *sketch) pad(name string, x qnn.TensorID, n int) qnn.TensorID {
	return s.apply(name, qnn.Pad{}, x, s.ints(name+"/paddings", qnn.Shape{4, 2}, 0, 0, n, n, n, n, 0, 0))
}

// ints adds a constant int32 tensor.
func (s *sketch) ints(name string, shape qnn.Shape, values ...int) qnn.TensorID {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, uint32(int32(v)))
	}
	return s.tensor(qnn.Tensor{Name: name, Type: qnn.Int32, Shape: shape, Data: data})
}

// averageAll averages over the whole extent of x, [1][H][W][C].
func (s *sketch) averageAll(x qnn.TensorID) qnn.TensorID {
	shape := s.shape(x)
	win := window{shape[1], shape[2], 1, qnn.Valid}
	return s.apply("average", qnn.AveragePool{Pool: win.pool()}, x)
}

// classes is the number of ImageNet's classes with TensorFlow's class 0, the
// background.
const classes = 1001

// classifyConv ends the network with a 1x1 convolution to the classes.
func (s *sketch) classifyConv(x qnn.TensorID) *qnn.Graph {
	logits := s.conv("logits", x, classes, square(1, 1), qnn.NoActivation)
	return s.finish(s.reshape("logits/squeezed", logits))
}

// classifyDense ends the network with a dense layer to the classes.
func (s *sketch) classifyDense(x qnn.TensorID) *qnn.Graph {
	return s.finish(s.dense("logits", x, classes))
}

func (s *sketch) finish(logits qnn.TensorID) *qnn.Graph {
	s.g.Outputs = []qnn.TensorID{s.apply("probabilities", qnn.Softmax{Beta: 1}, logits)}
	return s.g
}

func (s *sketch) shape(x qnn.TensorID) qnn.Shape { return s.g.Tensors[x].Shape }

func (s *sketch) channels(x qnn.TensorID) int {
	shape := s.shape(x)
	return shape[len(shape)-1]
}
