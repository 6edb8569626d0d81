// Package roofline says how fast a layer could be on a machine, and what keeps
// it from being faster: the roofline model, with a roof for each resource that a
// layer needs. It only computes: what the machine can do was measured (package
// peak), what a layer needs was counted (module.Costs), and both come in here.
//
//	compute      multiply-accumulate steps / peak of the dot step
//	epilogue     vector instructions after the reductions / their peak
//	weights      packed weights, once / bandwidth of what holds all constants
//	activations  input read + output written / bandwidth of what holds their sum
//
// Compute and epilogue add, because both are vector instructions and take turns
// at the same ports: the epilogue of a tile depends on its reduction, and the few
// hundred instructions that a core looks ahead are a small part of the next one.
// (Where additions have ports that dot steps cannot use, a core could at best
// hide the shorter of the two behind the other.) Loads go through other ports
// while those compute. So
//
//	limit = max(compute + epilogue, weights, activations)
//
// No level of the machine does better, so a time below the limit tells of an
// input that was wrong, such as the size of a cache that the CPU hides.
package roofline

import (
	"cmp"
	"slices"

	"qtune/measure"
)

// A Level is a cache or memory, as all threads together see it.
type Level struct {
	Name      string
	Bytes     int     // what it holds; not used for the last level, which holds anything
	Bandwidth float64 // bytes a nanosecond that can be read
}

// A Machine is what some threads can do together in a nanosecond.
type Machine struct {
	MACs         float64 // multiply-accumulate steps, of the dot step at hand
	Instructions float64 // vector instructions
	Levels       []Level // the nearest first; at least one
}

// A Layer is what a layer needs in an inference.
type Layer struct {
	MACs                 int64
	EpilogueInstructions int64
	WeightBytes          int
	ActivationBytes      int // read and written
}

// A Resource is what a layer may be waiting for.
type Resource string

// Resources.
const (
	Compute     Resource = "compute"
	Epilogue    Resource = "epilogue"
	Weights     Resource = "weights"
	Activations Resource = "activations"
	Nothing     Resource = "" // of a layer that has nothing to do
)

// Bounds are the times that each resource takes by itself.
type Bounds struct {
	Compute, Epilogue, Weights, Activations measure.Nanos
	WeightLevel, ActivationLevel            string // from where; empty without bytes
}

// Bounds returns the bounds of l in a network whose constants take so many bytes.
func (m *Machine) Bounds(l Layer, constants int) Bounds {
	b := Bounds{}
	if l.MACs > 0 {
		b.Compute = measure.Nanos(float64(l.MACs) / m.MACs)
	}
	if l.EpilogueInstructions > 0 {
		b.Epilogue = measure.Nanos(float64(l.EpilogueInstructions) / m.Instructions)
	}
	b.Weights, b.WeightLevel = m.transfer(l.WeightBytes, constants)
	b.Activations, b.ActivationLevel = m.transfer(l.ActivationBytes, l.ActivationBytes)
	return b
}

// transfer returns how long it takes to move so many bytes of a set that takes
// held bytes in all, and from or to where.
func (m *Machine) transfer(bytes, held int) (measure.Nanos, string) {
	if bytes == 0 {
		return 0, ""
	}
	level := m.LevelOf(held)
	return measure.Nanos(float64(bytes) / level.Bandwidth), level.Name
}

// LevelOf returns the nearest level that holds so many bytes.
func (m *Machine) LevelOf(bytes int) Level {
	last := len(m.Levels) - 1
	for _, level := range m.Levels[:last] {
		if bytes <= level.Bytes {
			return level
		}
	}
	return m.Levels[last]
}

// Limit is the least time that the layer can take.
func (b Bounds) Limit() measure.Nanos {
	return max(b.Compute+b.Epilogue, b.Weights, b.Activations)
}

// Binding returns the resource that the limit comes from: of compute and
// epilogue, which add, the larger one.
func (b Bounds) Binding() Resource {
	switch limit := b.Limit(); {
	case limit == 0:
		return Nothing
	case limit == b.Compute+b.Epilogue && b.Compute >= b.Epilogue:
		return Compute
	case limit == b.Compute+b.Epilogue:
		return Epilogue
	case limit == b.Weights:
		return Weights
	}
	return Activations
}

// A Result is a layer's bounds and the time that it took.
type Result struct {
	Bounds
	Time measure.Nanos
}

// Lost is what the layer took beyond its limit. It is negative where the limit
// is wrong.
func (r Result) Lost() measure.Nanos { return r.Time - r.Limit() }

// Totals returns the sum of the limits and of the times.
func Totals(layers []Result) (limit, time measure.Nanos) {
	for _, r := range layers {
		limit += r.Limit()
		time += r.Time
	}
	return limit, time
}

// MostLost returns the indexes of the n layers that lose most time, or of all
// that lose any if they are fewer, those that lose most first.
func MostLost(layers []Result, n int) []int {
	var losers []int
	for i, r := range layers {
		if r.Lost() > 0 {
			losers = append(losers, i)
		}
	}
	slices.SortStableFunc(losers, func(i, j int) int { return cmp.Compare(layers[j].Lost(), layers[i].Lost()) })
	return losers[:min(n, len(losers))]
}
