package schedules

import (
	"fmt"
	"math/bits"

	"qtune/qnn"
)

// Limits of a workload: with them no product of its sizes overflows.
const (
	maxExtent = 1 << 16 // of each size
	maxBytes  = 1 << 31 // of input, output and weights, each
	maxMACs   = 1 << 50
)

// Validate checks that w is possible: positive sizes within the limits, a
// window that fits its padded input, padding in canonical form (no cells below
// or right of the input that no window reads), and a class that WorkloadOf can
// give.
func (w Workload) Validate() error {
	if err := w.checkSizes(); err != nil {
		return err
	}
	if err := w.checkOperator(); err != nil {
		return err
	}
	if err := checkWindow("h", w.H, w.PadTop, w.PadBottom, w.KH, w.StrideH, w.DilationH); err != nil {
		return err
	}
	if err := checkWindow("w", w.W, w.PadLeft, w.PadRight, w.KW, w.StrideW, w.DilationW); err != nil {
		return err
	}
	if err := w.checkProducts(); err != nil {
		return err
	}
	return w.Class.validate(w.O)
}

func (w Workload) checkSizes() error {
	positive := []struct {
		name string
		n    int
	}{
		{"n", w.N}, {"h", w.H}, {"w", w.W}, {"c", w.C}, {"o", w.O},
		{"k", w.KH}, {"k", w.KW}, {"s", w.StrideH}, {"s", w.StrideW}, {"d", w.DilationH}, {"d", w.DilationW},
	}
	for _, p := range positive {
		if p.n < 1 || p.n > maxExtent {
			return fmt.Errorf("%s%d: must be between 1 and %d", p.name, p.n, maxExtent)
		}
	}
	for _, p := range []int{w.PadTop, w.PadLeft, w.PadBottom, w.PadRight} {
		if p < 0 || p > maxExtent {
			return fmt.Errorf("padding %d: must be between 0 and %d", p, maxExtent)
		}
	}
	return nil
}

func (w Workload) checkOperator() error {
	switch w.Op {
	case Conv2D:
		if w.Multiplier != 0 {
			return fmt.Errorf("channel multiplier %d of a conv2d", w.Multiplier)
		}
	case Depthwise:
		if w.Multiplier < 1 || w.O != w.C*w.Multiplier {
			return fmt.Errorf("m%d: %d output channels from %d", w.Multiplier, w.O, w.C)
		}
	case Dense:
		if w.H != 1 || w.W != 1 || w.Window != pointWindow || w.Multiplier != 0 {
			return fmt.Errorf("dense with a height, width, window or channel multiplier")
		}
	default:
		return fmt.Errorf("unknown operator %q", w.Op)
	}
	return nil
}

// checkWindow checks one dimension.
func checkWindow(dim string, in, before, after, k, s, d int) error {
	reach := (k-1)*d + 1
	if in+before+after < reach {
		return fmt.Errorf("a window of %d cells does not fit %s%d with padding %d and %d", reach, dim, in, before, after)
	}
	n := positions(in+before+after, k, s, d)
	if read := max(0, (n-1)*s+reach-before-in); read != after {
		return fmt.Errorf("padding of %d cells after %s%d, of which windows read %d", after, dim, in, read)
	}
	return nil
}

func (w Workload) checkProducts() error {
	sizes := []struct {
		name  string
		of    []int
		limit uint64
	}{
		{"input bytes", []int{w.N, w.H, w.W, w.C}, maxBytes},
		{"output bytes", []int{w.N, w.OH(), w.OW(), w.O}, maxBytes},
		{"weight bytes", []int{w.O, w.Taps()}, maxBytes},
		{"multiply-accumulate steps", []int{w.N, w.OH(), w.OW(), w.O, w.Taps()}, maxMACs},
	}
	for _, s := range sizes {
		n := uint64(1)
		for _, f := range s.of {
			hi, lo := bits.Mul64(n, uint64(f))
			if n = lo; hi != 0 || n >= s.limit {
				return fmt.Errorf("%s: not below %d", s.name, s.limit)
			}
		}
	}
	return nil
}

// validate checks the class of a workload with o output channels.
func (c Class) validate(o int) error {
	switch {
	case c.Round != qnn.Double && c.Round != qnn.Single:
		return fmt.Errorf("unknown rounding %d", c.Round)
	case c.General && c.Float:
		return fmt.Errorf("mult=f32: not with multipliers of any size")
	case c.Sign && c.Round != qnn.Double:
		return fmt.Errorf("sign=1: means nothing with round=%s", c.Round)
	case c.Saturation > RareSaturation:
		return fmt.Errorf("unknown saturation %d", c.Saturation)
	case c.PerChannel && o == 1:
		return fmt.Errorf("perch=1: there is one output channel")
	}
	return nil
}
