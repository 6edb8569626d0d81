package emit

import (
	"math"
	"slices"

	"qtune/kernels/x86"
	"qtune/qnn"
	"qtune/schedules"
)

// Requantisation turns an int32 accumulator a into y = mul(a, multiplier) +
// zero, exactly as qnn.Multiplier.Scale does. The product p = a*m has 64 bits;
// VPMULDQ makes it for the even lanes, and for the odd ones after a shift.
//
// Most layers have a short form (qnn.ShortForm; "shift"): with a constant added
// to the bias, the upper halves of the products, all in one vector, take one
// addition and one shift of 32 bits, the zero point included.
//
// Many of them have a float form too (qnn.FloatForm; "float"): to single precision,
// one multiplication and addition, and back.
//
// Where negative results matter, double rounding takes ties away from zero. The
// float form has another offset for negative accumulators then ("floatSign"); the
// integer form needs both steps of the rounding ("sign"): h = (p + 2^30) >> 31,
// then with h' = h - (h<0),
// y = (((h' >> (r-1)) + 1) >> 1.
//
// The general forms handle any multiplier. Single rounding, with n = 31 -
// exponent: y = (p + 2^(n-1)) >> n. There is no 64-bit arithmetic shift in AVX2:
// adding 2^62 first makes every sum positive, and subtracting 2^(62-n) afterwards
// takes it away again; that subtraction adds the zero point too.
type requantKind uint8

const (
	requantShift         requantKind = iota // the short form
	requantFloat                            // the float form
	requantFloatSign                        // the float form with two offsets
	requantSign                             // double rounding
	requantShiftGeneral                     // single rounding, any exponent
	requantDoubleGeneral                    // double rounding, any exponent
)

func requantKindOf(c schedules.Class) requantKind {
	switch {
	case c.General && c.Round == qnn.Single:
		return requantShiftGeneral
	case c.General:
		return requantDoubleGeneral
	case c.Sign && c.Float:
		return requantFloatSign
	case c.Sign:
		return requantSign
	case c.Float:
		return requantFloat
	}
	return requantShift
}

// requantFields are the constants of each kind, those first that profit most
// from a register. RequantNumbers gives their values.
var requantFields = map[requantKind][]string{
	requantShift:         {"m", "modd", "add", "shift"},
	requantFloat:         {"scale", "offset"},
	requantFloatSign:     {"scale", "offset", "below"},
	requantShiftGeneral:  {"m", "modd", "ke", "ko", "ce", "co", "cl", "sub"},
	requantSign:          {"m", "modd", "half", "n1", "one", "zero"},
	requantDoubleGeneral: {"left", "m", "modd", "half", "n", "n1", "neg", "one", "zero"},
}

// fields lists the constants of a kind. One multiplier for all channels serves
// even and odd lanes.
func (k requantKind) fields(perChannel bool) []string {
	if perChannel {
		return requantFields[k]
	}
	return slices.DeleteFunc(slices.Clone(requantFields[k]), func(f string) bool { return f == "modd" })
}

// RequantNumbers are the constants of one channel.
type RequantNumbers struct {
	m, k, n, right, shiftLeft, zero int64
	short                           qnn.ShortForm
	float                           qnn.FloatForm
}

// Get returns a constant by its field's name. 64-bit ones are those of the even
// or the odd lane that the channel sits in.
func (x *RequantNumbers) Get(name string) int64 {
	switch name {
	case "m", "modd":
		return x.m
	case "add":
		return int64(x.short.Add)
	case "shift":
		return int64(x.short.Shift)
	case "scale":
		return int64(math.Float32bits(x.float.Scale))
	case "offset":
		return int64(math.Float32bits(x.float.Offset))
	case "below":
		return int64(math.Float32bits(x.float.Below))
	case "ke", "ko": // 2^62 makes every sum positive
		return x.k + 1<<62
	case "ce":
		return x.n
	case "co": // moves the result to the upper half of 64 bits
		return max(x.n-32, 0)
	case "cl":
		return max(32-x.n, 0)
	case "sub":
		return int64(int32(int64(1)<<(62-x.n))) - x.zero
	case "half":
		return 1 << 30
	case "one":
		return 1
	case "zero":
		return x.zero
	case "left":
		return x.shiftLeft
	case "n":
		return x.right
	case "n1":
		if x.right == 0 { // shifts everything out
			return 32
		}
		return x.right - 1
	case "neg":
		if x.right == 0 {
			return 0
		}
		return -1
	}
	panic("BUG: no constant " + name)
}

// Wide tells the 64-bit constants: one value for two channels.
func Wide(name string) bool {
	switch name {
	case "modd", "ke", "ko", "ce", "co", "cl", "half":
		return true
	}
	return false
}

// Odd tells which of the wide constants belong to odd lanes.
func Odd(name string) bool {
	return name == "modd" || name == "ko" || name == "co" || name == "cl"
}

// RequantNumbersOf returns the constants for multiplier m.
func RequantNumbersOf(m qnn.Multiplier, r qnn.Rounding, zero int32) RequantNumbers {
	if m.M == 0 { // any exponent gives zero; one that every kind can express
		m.Exp = -1
	}
	x := RequantNumbers{m: int64(m.M), n: 31 - int64(m.Exp), zero: int64(zero),
		right: int64(max(-m.Exp, 0)), shiftLeft: int64(max(m.Exp, 0))}
	x.k = int64(1) << (x.n - 1)
	if r == qnn.Double {
		x.k += 1 << 30
	}
	return x
}

// Numbers returns the constants of output channel oc under r.
func (k requantKind) Numbers(r *qnn.Requantise, oc int) RequantNumbers {
	x := RequantNumbersOf(r.Multiplier(oc), r.Round, r.Zero)
	switch k { // the layer's class says that there is one
	case requantShift:
		x.short, _ = r.ShortForm(oc)
	case requantFloat, requantFloatSign:
		x.float, _ = r.FloatForm(oc)
	}
	return x
}

// Bias is what the accumulators of the channel must have more than their bias.
func (x *RequantNumbers) Bias() int32 { return x.short.Bias }

// requant emits the requantisation of accumulator a. e, o and t are
// temporaries, c gives a constant as a register or a memory operand.
func (g *gen) requant(kind requantKind, a, e, o int, c func(string) x86.Operand) {
	switch kind {
	case requantFloat:
		g.requantFloat(a, e, c)
		return
	case requantFloatSign:
		g.requantFloatSign(a, e, o, c)
		return
	}
	if kind == requantDoubleGeneral {
		g.op3(x86.VPSLLVD, a, a, c("left"))
	}
	g.emit(x86.VPSRLQ, g.v(o), g.v(a), x86.I(32))
	g.op3(x86.VPMULDQ, e, a, c("m"))
	g.op3(x86.VPMULDQ, o, o, c("modd"))
	switch kind {
	case requantShift:
		g.upperHalves(e, o)
		g.op3(x86.VPADDD, a, o, c("add"))
		g.op3(x86.VPSRAVD, a, a, c("shift"))
		return
	case requantShiftGeneral:
		g.op3(x86.VPADDQ, e, e, c("ke"))
		g.op3(x86.VPADDQ, o, o, c("ko"))
		g.op3(x86.VPSRLVQ, e, e, c("ce"))
		g.op3(x86.VPSRLVQ, o, o, c("co"))
		g.op3(x86.VPSLLVQ, o, o, c("cl"))
		g.blendOdd(a, e, o)
		g.op3(x86.VPSUBD, a, a, c("sub"))
		return
	}
	g.op3(x86.VPADDQ, e, e, c("half"))
	g.op3(x86.VPADDQ, o, o, c("half"))
	g.emit(x86.VPSRLQ, g.v(e), g.v(e), x86.I(31))
	g.emit(x86.VPADDQ, g.v(o), g.v(o), g.v(o))
	g.blendOdd(a, e, o)
	g.emit(x86.VPSRAD, g.v(e), g.v(a), x86.I(31))
	if kind == requantSign {
		g.emit(x86.VPADDD, g.v(a), g.v(a), g.v(e))
		g.op3(x86.VPSRAVD, a, a, c("n1"))
		g.op3(x86.VPADDD, a, a, c("one"))
		g.emit(x86.VPSRAD, g.v(a), g.v(a), x86.I(1))
	} else {
		g.op3(x86.VPAND, e, e, c("neg"))
		g.emit(x86.VPADDD, g.v(a), g.v(a), g.v(e))
		g.op3(x86.VPSRLVD, e, a, c("n1"))
		g.op3(x86.VPAND, e, e, c("one"))
		g.op3(x86.VPSRAVD, a, a, c("n"))
		g.emit(x86.VPADDD, g.v(a), g.v(a), g.v(e))
	}
	g.op3(x86.VPADDD, a, a, c("zero"))
}

// requantFloat is requant by the float form. The multiplier must be in a register:
// t, if its constant is in memory.
func (g *gen) requantFloat(a, t int, c func(string) x86.Operand) {
	scale := g.inRegister(c("scale"), t)
	g.emit(x86.VCVTDQ2PS, g.v(a), g.v(a))
	g.emit(x86.VFMADD213PS, g.v(a), scale, c("offset"))
	g.emit(x86.VCVTTPS2DQ, g.v(a), g.v(a))
}

// requantFloatSign is requantFloat with an offset of its own below zero, chosen by
// the sign. s and t are temporaries.
func (g *gen) requantFloatSign(a, s, t int, c func(string) x86.Operand) {
	g.emit(x86.VPSRAD, g.v(s), g.v(a), x86.I(31))
	if g.masks() {
		const aThenBElseC = 0xca
		below := g.inRegister(c("below"), t)
		g.emit(x86.VPTERNLOGD, g.v(s), below, c("offset"), x86.I(aThenBElseC))
	} else {
		offset := g.inRegister(c("offset"), t)
		g.emit(x86.VPBLENDVB, g.v(s), offset, c("below"), g.v(s))
	}
	scale := g.inRegister(c("scale"), t)
	g.emit(x86.VCVTDQ2PS, g.v(a), g.v(a))
	g.emit(x86.VFMADD213PS, g.v(a), scale, g.v(s))
	g.emit(x86.VCVTTPS2DQ, g.v(a), g.v(a))
}

// inRegister loads an operand from memory into register t.
func (g *gen) inRegister(x x86.Operand, t int) x86.Operand {
	if x.Kind != x86.KindMem {
		return x
	}
	g.emit(x86.VMOVDQU, g.v(t), x)
	return g.v(t)
}

// upperHalves moves the upper halves of the 64-bit lanes of e to the even lanes of
// o, whose odd ones hold those of o.
func (g *gen) upperHalves(e, o int) {
	if g.masks() {
		g.p.EmitMasked(x86.VMOVSHDUP, maskEven, false, g.v(o), g.v(e))
		return
	}
	g.emit(x86.VMOVSHDUP, g.v(e), g.v(e))
	g.emit(x86.VPBLENDD, g.v(o), g.v(e), g.v(o), x86.I(0xaa))
}

// blendOdd sets a to the even lanes of e and the odd lanes of o.
func (g *gen) blendOdd(a, e, o int) {
	if g.masks() {
		g.p.EmitMasked(x86.VPBLENDMD, maskEven, false, g.v(a), g.v(o), g.v(e))
		return
	}
	g.emit(x86.VPBLENDD, g.v(a), g.v(e), g.v(o), x86.I(0xaa))
}
