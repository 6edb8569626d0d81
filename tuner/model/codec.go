package model

import (
	"math"
	"strconv"

	"qtune/schedules"
)

// A point is a schedule as a process sees it: for each knob the number of its
// value in a codec.
type point []uint8

// A codec numbers the values of a task's knobs as they come.
type codec struct {
	names  []string
	values [][]string
	index  []map[string]uint8
}

// maxValues bounds the values of a knob: further ones are all the same.
const maxValues = 255

func (c *codec) point(s schedules.Schedule) point {
	if c.names == nil {
		c.names = s.Names()
		c.values = make([][]string, len(c.names))
		for range c.names {
			c.index = append(c.index, map[string]uint8{})
		}
	}
	p := make(point, len(c.names))
	for i, name := range c.names {
		v := s.Str(name, "")
		at, ok := c.index[i][v]
		if !ok {
			at = uint8(min(len(c.values[i]), maxValues))
			c.index[i][v] = at
			if at < maxValues {
				c.values[i] = append(c.values[i], v)
			}
		}
		p[i] = at
	}
	return p
}

// A setting is what a kernel can be like. The kernel is a product over the knobs of
// 1 + theta * similarity: so it holds the effects of single knobs, of pairs, and so
// on, the higher ones with the less weight, the smaller theta is (Duvenaud et al.,
// "Additive Gaussian processes", 2011).
type setting struct {
	theta  float64
	length float64 // doublings of a number within which schedules are alike
}

// A similarity holds the kernel's factors for pairs of values: [knob][value][value].
type similarity [][][]float64

// similarity tabulates the factors of a setting.
func (c *codec) similarity(s setting) similarity {
	out := make(similarity, len(c.names))
	for k, values := range c.values {
		out[k] = make([][]float64, len(values))
		for i, a := range values {
			out[k][i] = make([]float64, len(values))
			for j, b := range values {
				out[k][i][j] = (1 + s.theta*alike(a, b, s.length)) / (1 + s.theta)
			}
		}
	}
	return out
}

// alike is 1 for equal values, falls with the distance of numbers, and is 0 for
// different words.
func alike(a, b string, length float64) float64 {
	if a == b {
		return 1
	}
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	if errX != nil || errY != nil || x < 0 || y < 0 {
		return 0
	}
	return math.Exp(-math.Abs(math.Log2(float64(x+1)/float64(y+1))) / length)
}

func (s similarity) kernel(a, b point) float64 {
	k := 1.0
	for i, v := range a {
		k *= s[i][v][b[i]]
	}
	return k
}
