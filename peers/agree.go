package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"qtune/kernels/module"
	"qtune/peers/export"
	"qtune/peers/onnx"
	"qtune/qnn"
)

// checkedInputs is how many random inputs are compared.
const checkedInputs = 5

// An agreement tells how near ONNX Runtime's logits of a network are to ours.
// Differences are in steps of our logits' quantisation, of which there are 255.
type agreement struct {
	Contender   string  `json:"contender"`
	Inputs      int     `json:"inputs"`
	SameTop     int     `json:"same_top"` // inputs with the same greatest logit
	MeanSteps   float64 `json:"mean_abs_difference_steps"`
	MostSteps   float64 `json:"max_abs_difference_steps"`
	Correlation float64 `json:"correlation"`
}

// leastCorrelation is that of logits below which the engines compute different
// networks: a wrong layout, padding or zero point leaves nothing like it.
const leastCorrelation = 0.9

// agreements compares the logits of a network in all forms.
func (s *stage) agreements(networks pairOfNetworks) ([]agreement, error) {
	var all []agreement
	for _, p := range networks.peers() {
		logits, err := s.logits(p.g, p.export)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		a := agreementOf(p.name, logits)
		if !(a.Correlation >= leastCorrelation) {
			return nil, fmt.Errorf("%s computes something else: the correlation of logits is %.3f, differences %.1f steps on average", p.name, a.Correlation, a.MeanSteps)
		}
		all = append(all, a)
	}
	return all, nil
}

// A pair is the logits of one input, ours and theirs, in steps above the least of
// our quantisation.
type pair struct{ ours, theirs []float64 }

// logits computes the logits of g with both engines.
func (s *stage) logits(g *qnn.Graph, exported exporter) ([]pair, error) {
	last := &g.Nodes[len(g.Nodes)-1]
	if _, ok := last.Op.(qnn.Softmax); !ok {
		return nil, fmt.Errorf("%s is not the softmax of logits", g.Label(last))
	}
	g, err := g.Cut([]string{g.Input(last, 0).Name})
	if err != nil {
		return nil, err
	}
	model, err := exported(g)
	if err != nil {
		return nil, err
	}
	return s.outputs(g, model)
}

// outputs computes g and model, which was exported from it, of random inputs.
func (s *stage) outputs(g *qnn.Graph, model *onnx.Model) (_ []pair, err error) {
	ours, err := module.Compile(g, s.options)
	if err != nil {
		return nil, err
	}
	defer ours.Close()
	theirs, err := s.theirs("check", model)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, theirs.close()) }()
	t := &g.Tensors[g.Outputs[0]]
	var pairs []pair
	for i := range checkedInputs {
		input := randomBytes(g.Tensors[g.Inputs[0]].Bytes(), uint64(i))
		y, err := ours.Run([][]byte{input})
		if err != nil {
			return nil, err
		}
		z, err := s.runTheirs(g, model, input)
		if err != nil {
			return nil, err
		}
		p := pair{steps(laidOut(t, y[0], model.Outputs[0])), steps(z)}
		if model.Outputs[0].Type == onnx.Float32 {
			p.theirs = stepsOfFloats(t, z)
		}
		if len(p.ours) != len(p.theirs) {
			return nil, fmt.Errorf("an output of %d values, not %d", len(p.theirs), len(p.ours))
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

// runTheirs returns what the model loaded as "check" makes of an input of g.
func (s *stage) runTheirs(g *qnn.Graph, model *onnx.Model, input []byte) ([]byte, error) {
	t := &g.Tensors[g.Inputs[0]]
	feed := laidOut(t, input, model.Inputs[0])
	if model.Inputs[0].Type == onnx.Float32 {
		feed = dequantised(t, feed)
	}
	if err := s.engine.SetInput("check", feed); err != nil {
		return nil, err
	}
	return s.engine.Run("check")
}

// laidOut returns values of t as v, the same tensor of an exported model, has
// them: as asUint8 says, and with channels first unless the shapes are equal.
func laidOut(t *qnn.Tensor, data []byte, v onnx.Value) []byte {
	if !t.Shape.Equal(v.Shape) {
		data = export.ChannelsFirst(data, t.Shape)
	}
	return asUint8(t, data)
}

// asUint8 returns values of t as exported models have them: those of int8 tensors
// with 128 added.
func asUint8(t *qnn.Tensor, data []byte) []byte {
	data = slices.Clone(data)
	if t.Type == qnn.Int8 {
		for i := range data {
			data[i] ^= 0x80
		}
	}
	return data
}

// zeroOf is the zero point of t that goes with asUint8.
func zeroOf(t *qnn.Tensor) int32 {
	lo, _ := t.Type.Limits()
	return t.Quant.Zero[0] - lo
}

// dequantised returns float32 values, little-endian, of t's values as uint8.
func dequantised(t *qnn.Tensor, data []byte) []byte {
	out := make([]byte, 0, 4*len(data))
	for _, v := range data {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(t.Quant.Scale[0]*float32(int32(v)-zeroOf(t))))
	}
	return out
}

func steps(data []byte) []float64 {
	out := make([]float64, len(data))
	for i, v := range data {
		out[i] = float64(v)
	}
	return out
}

// stepsOfFloats is steps of float32 values, not rounded, within t's range.
func stepsOfFloats(t *qnn.Tensor, data []byte) []float64 {
	out := make([]float64, len(data)/4)
	for i := range out {
		v := math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		out[i] = min(max(float64(v)/float64(t.Quant.Scale[0])+float64(zeroOf(t)), 0), 255)
	}
	return out
}

// agreementOf sums up the logits of some inputs.
func agreementOf(contender string, pairs []pair) agreement {
	a := agreement{Contender: contender, Inputs: len(pairs)}
	var n, x, y, xx, yy, xy float64
	for _, p := range pairs {
		if p.sameTop() {
			a.SameTop++
		}
		for i, u := range p.ours {
			v := p.theirs[i]
			a.MeanSteps += math.Abs(u - v)
			a.MostSteps = max(a.MostSteps, math.Abs(u-v))
			n, x, y, xx, yy, xy = n+1, x+u, y+v, xx+u*u, yy+v*v, xy+u*v
		}
	}
	a.MeanSteps /= n
	a.Correlation = (n*xy - x*y) / math.Sqrt((n*xx-x*x)*(n*yy-y*y))
	return a
}

// sameTop tells whether some logit is the greatest, or as great as it, in both.
func (p pair) sameTop() bool {
	u, v := slices.Max(p.ours), slices.Max(p.theirs)
	for i := range p.ours {
		if p.ours[i] == u && p.theirs[i] == v {
			return true
		}
	}
	return false
}
