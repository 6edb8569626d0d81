package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"qtune/kernels/module"
	"qtune/peers/export"
	"qtune/peers/onnx"
	"qtune/qnn"
)

// A depthwiseRow is one distinct depthwise layer with some number of threads.
// Times are those of the layer: ours without the copies of a network's inputs and
// outputs, theirs without what a call costs.
type depthwiseRow struct {
	Workload string   `json:"workload"` // the uint8 network's
	Threads  int      `json:"threads"`
	MACs     int64    `json:"macs"`
	CallNS   int64    `json:"ort_call_ns"` // of an operator that does nothing, subtracted
	Times    []timing `json:"times"`
}

// depthwise times the distinct depthwise layers of a network one by one, but for
// those that known has.
func (s *stage) depthwise(name string, known []depthwiseRow) ([]depthwiseRow, error) {
	networks, err := build(name)
	if err != nil {
		return nil, err
	}
	var rows []depthwiseRow
	for i := range networks.uint8.Nodes {
		if _, ok := networks.uint8.Nodes[i].Op.(qnn.Depthwise); !ok {
			continue
		}
		// Both networks have the same nodes.
		single := pairOfNetworks{alone(networks.uint8, i), alone(networks.int8, i)}
		row, err := s.depthwiseLayer(single, slices.Concat(known, rows))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", networks.uint8.Label(&networks.uint8.Nodes[i]), err)
		}
		if row != nil {
			rows = append(rows, *row)
		}
	}
	return rows, nil
}

// alone returns node i of g as a network.
func alone(g *qnn.Graph, i int) *qnn.Graph {
	out := &qnn.Graph{Name: g.Name}
	n := g.Nodes[i]
	add := func(ids []qnn.TensorID) (added []qnn.TensorID) {
		for _, id := range ids {
			added = append(added, qnn.TensorID(len(out.Tensors)))
			out.Tensors = append(out.Tensors, g.Tensors[id])
		}
		return added
	}
	n.Inputs, n.Outputs = add(n.Inputs), add(n.Outputs)
	out.Inputs, out.Outputs = n.Inputs[:1], n.Outputs
	out.Nodes = []qnn.Node{n}
	return out
}

// depthwiseLayer times one layer, unless known has one of the same workload.
func (s *stage) depthwiseLayer(single pairOfNetworks, known []depthwiseRow) (row *depthwiseRow, err error) {
	m, err := module.Compile(single.uint8, s.options)
	if err != nil {
		return nil, err
	}
	contenders := []*contender{oursLayer(oursUint8, single.uint8, m)}
	defer func() {
		for _, c := range contenders {
			err = errors.Join(err, c.close())
		}
	}()
	row = &depthwiseRow{Workload: m.Layers()[0].Workload.String(), Threads: s.threads, MACs: macs(m)}
	if slices.ContainsFunc(known, func(r depthwiseRow) bool { return r.Workload == row.Workload && r.Threads == row.Threads }) {
		return nil, nil
	}
	if m, err = module.Compile(single.int8, s.options); err != nil {
		return nil, err
	}
	contenders = append(contenders, oursLayer(oursInt8, single.int8, m))
	if err := s.checkLayer(single); err != nil {
		return nil, err
	}
	for _, p := range []struct {
		name  string
		model func() (*onnx.Model, error)
	}{
		{ortUint8, func() (*onnx.Model, error) { return export.Layer(single.uint8, false) }},
		{ortSigned, func() (*onnx.Model, error) { return export.Layer(single.uint8, true) }},
		{ortInt8, func() (*onnx.Model, error) { return export.Layer(single.int8, false) }},
		{ortCall, func() (*onnx.Model, error) { return nothing(), nil }},
	} {
		model, err := p.model()
		if err != nil {
			return nil, err
		}
		c, err := s.theirs(p.name, model)
		if err != nil {
			return nil, err
		}
		contenders = append(contenders, c)
	}
	if err := s.race(contenders); err != nil {
		return nil, err
	}
	row.fill(contenders)
	return row, nil
}

// checkLayer makes sure that both engines compute a layer alike: no output may
// differ by more than a step.
func (s *stage) checkLayer(single pairOfNetworks) error {
	for _, g := range []*qnn.Graph{single.uint8, single.int8} {
		for _, signed := range []bool{false, true} {
			model, err := export.Layer(g, signed)
			if err != nil {
				return err
			}
			outputs, err := s.outputs(g, model)
			if err != nil {
				return err
			}
			if a := agreementOf("ort", outputs); a.MostSteps > 1 {
				return fmt.Errorf("%s: ONNX Runtime computes something else: outputs differ by %.0f steps", g.Name, a.MostSteps)
			}
		}
	}
	return nil
}

// ortCall is the contender that does nothing.
const ortCall = "ort call"

// nothing is a model that copies a byte.
func nothing() *onnx.Model {
	value := func(name string) []onnx.Value { return []onnx.Value{{Name: name, Type: onnx.Uint8, Shape: []int{1}}} }
	return &onnx.Model{
		Name: "nothing", Inputs: value("x"), Outputs: value("y"),
		Nodes: []onnx.Node{{Name: "copy", Op: "Identity", Inputs: []string{"x"}, Outputs: []string{"y"}}},
	}
}

// oursLayer is the one layer with weights of m, compiled from g.
func oursLayer(name string, g *qnn.Graph, m *module.Module) *contender {
	inputs := [][]byte{randomBytes(g.Tensors[g.Inputs[0]].Bytes(), 1)}
	layers := m.Layers()
	at := slices.IndexFunc(layers, func(l module.LayerInfo) bool { return l.MACs > 0 })
	once := make([]time.Duration, len(layers))
	return &contender{name: name, close: m.Close, time: func(n int) ([]time.Duration, error) {
		times := make([]time.Duration, n)
		for i := range times {
			if _, err := m.RunTimed(inputs, once); err != nil {
				return nil, err
			}
			times[i] = once[at]
		}
		return times, nil
	}}
}

// fill sums up the times; those of ONNX Runtime less the median of its calls.
func (r *depthwiseRow) fill(contenders []*contender) {
	call := summarise(contenders[len(contenders)-1]).MedianNS
	r.CallNS = call
	for _, c := range contenders[:len(contenders)-1] {
		if c.name != oursUint8 && c.name != oursInt8 {
			for i := range c.times {
				c.times[i] = max(c.times[i]-time.Duration(call), 0)
			}
		}
		r.Times = append(r.Times, summarise(c))
	}
}

// print writes what was measured for people who wait for it.
func (r *depthwiseRow) print(w io.Writer) {
	fmt.Fprintf(w, "%s, %s; a call of ONNX Runtime takes %.1f us\n", r.Workload, plural(r.Threads, "thread"), float64(r.CallNS)/1e3)
	for _, t := range r.Times {
		fmt.Fprintf(w, "  %-17s %7.1f us (%.1f to %.1f)\n", t.Contender, float64(t.MedianNS)/1e3, float64(t.LoNS)/1e3, float64(t.HiNS)/1e3)
	}
}
