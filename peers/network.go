package main

import (
	"errors"

	"qtune/kernels/module"
	"qtune/peers/export"
	"qtune/peers/onnx"
	"qtune/qnn"
	"qtune/qnn/pass"
	"qtune/qnn/zoo"
)

// Names of our contenders; symmetric computes something else (see
// pass.SaturateWeights).
const (
	oursUint8     = "qtune uint8"
	oursInt8      = "qtune int8"
	oursSymmetric = "qtune symmetric"
)

// Names of ONNX Runtime's contenders: the uint8 network with its weights as they
// are, and with the same weights written as int8; the int8 network; the uint8
// network in float32.
const (
	ortUint8  = "ort uint8"
	ortSigned = "ort uint8 as int8"
	ortInt8   = "ort int8"
	ortFloat  = "ort float32"
)

type exporter = func(*qnn.Graph) (*onnx.Model, error)

// A pairOfNetworks is one architecture in the two quantisations of qnn/zoo.
type pairOfNetworks struct{ uint8, int8 *qnn.Graph }

func build(name string) (p pairOfNetworks, err error) {
	if p.uint8, err = zoo.Build(name); err != nil {
		return p, err
	}
	p.int8, err = zoo.Build(name + "_int8")
	return p, err
}

// A peer is one of ONNX Runtime's contenders.
type peer struct {
	name   string
	g      *qnn.Graph
	export exporter
}

func (p pairOfNetworks) peers() []peer {
	return []peer{
		{ortUint8, p.uint8, export.Quantised},
		{ortSigned, p.uint8, export.SignedWeights},
		{ortInt8, p.int8, export.Quantised},
		{ortFloat, p.uint8, export.Float},
	}
}

// network compares the engines on one network in all forms.
func (s *stage) network(name string) (*networkRow, error) {
	networks, err := build(name)
	if err != nil {
		return nil, err
	}
	row := &networkRow{Network: name, Threads: s.threads}
	if row.Agreement, err = s.agreements(networks); err != nil {
		return nil, err
	}
	contenders, err := s.contenders(row, networks)
	if err == nil {
		err = s.race(contenders)
	}
	for _, c := range contenders {
		row.Times = append(row.Times, summarise(c))
		err = errors.Join(err, c.close())
	}
	return row, err
}

// contenders makes all that are to be timed. Those that were made before an error
// are returned with it, to be closed.
func (s *stage) contenders(row *networkRow, networks pairOfNetworks) ([]*contender, error) {
	var cs []*contender
	symmetric, _ := pass.SaturateWeights(networks.uint8)
	for _, o := range []struct {
		name string
		g    *qnn.Graph
	}{{oursUint8, networks.uint8}, {oursInt8, networks.int8}, {oursSymmetric, symmetric}} {
		m, err := module.Compile(o.g, s.options)
		if err != nil {
			return cs, err
		}
		cs = append(cs, ours(o.name, o.g, m))
		row.MACs = macs(m)
		row.Schedules = append(row.Schedules, schedulesOf(o.name, m))
	}
	for _, p := range networks.peers() {
		m, err := p.export(p.g)
		if err != nil {
			return cs, err
		}
		c, err := s.theirs(p.name, m)
		if err != nil {
			return cs, err
		}
		cs = append(cs, c)
	}
	return cs, nil
}

func macs(m *module.Module) int64 {
	n := int64(0)
	for _, l := range m.Layers() {
		n += l.MACs
	}
	return n
}

// schedulesOf counts the layers of m by where their schedule came from.
func schedulesOf(name string, m *module.Module) scheduleSources {
	s := scheduleSources{Contender: name, Layers: map[string]int{}}
	for _, l := range m.Layers() {
		if l.Source != module.NoSource {
			s.Layers[l.Source.String()]++
		}
	}
	return s
}
