package schedules

import (
	"math"

	"qtune/qnn"
)

// varianceOfInput is that of a byte with all values equally likely.
const varianceOfInput = (256*256 - 1) / 12.0

// Layer returns a layer of w's class with seeded random numbers:
// w.Holds(WorkloadOf(Layer)). Bias and multipliers are such that random input
// (RandomInput) spreads the outputs of every channel over the output range. A
// general multiplier takes most outputs beyond both ends of it: that is its
// nature. Input zero point, weight zero point and clamps are at times extreme.
func (w Workload) Layer(seed uint64) *qnn.Layer {
	r := newRandom(seed)
	l := &qnn.Layer{
		Kind: w.kind(),
		N:    w.N, H: w.H, W: w.W, C: w.C,
		OH: w.OH(), OW: w.OW(), OC: w.O,
		Window:     w.Window,
		Multiplier: w.Multiplier,
		InputZero:  r.zeroPoint(),
	}
	l.Requant.Round = w.Round
	w.fillClamp(&l.Requant, r)
	w.fillWeights(l, r)
	w.fillScales(l, r)
	return l
}

func (w Workload) kind() qnn.LayerKind {
	for k, op := range opOfKind {
		if op == w.Op {
			return k
		}
	}
	panic("BUG: schedules: workload with operator " + string(w.Op))
}

// zeroPoint returns any zero point of a byte, one of the ends at times.
func (r *random) zeroPoint() int32 {
	switch r.below(8) {
	case 0:
		return 0
	case 1:
		return 255
	}
	return int32(r.below(256))
}

// fillClamp chooses output zero point and clamp by w.Sign.
func (w Workload) fillClamp(q *qnn.Requantise, r *random) {
	q.Lo, q.Hi = 0, 255
	switch {
	case w.Sign:
		q.Zero = 1 + int32(r.below(255))
		if r.below(4) == 0 {
			q.Lo = int32(r.below(int(q.Zero)))
		}
	case w.Round == qnn.Single:
		q.Zero = r.zeroPoint()
		if r.below(4) == 0 {
			q.Lo = min(q.Zero, 128)
		}
	default: // zero <= lo
		if r.below(4) == 0 {
			q.Lo = int32(r.below(128))
			q.Zero = int32(r.below(int(q.Lo) + 1))
		}
	}
	if r.below(4) == 0 && !w.General {
		q.Hi = q.Lo + 1 + int32(r.below(int(255-q.Lo)))
	}
}

// fillWeights chooses the weights' type, zero point and values.
func (w Workload) fillWeights(l *qnn.Layer, r *random) {
	l.Weights = make([]byte, w.WeightBytes())
	least, most := int32(-128), int32(127) // of w - zero, but for the outliers below
	if w.General {
		least, most = -1, 1
	}
	l.WeightSigned = !w.WeightZero && (w.PerChannel || w.Round == qnn.Single || r.below(2) == 0)
	if l.WeightSigned {
		w.fill(l.Weights, r, 0, least, most)
		return
	}
	l.WeightZero = r.zeroPoint()
	if w.WeightZero && l.WeightZero == 128 { // all of 0..255 - 128 fits
		l.WeightZero = 127
	}
	w.fill(l.Weights, r, l.WeightZero, max(l.WeightZero+least, 0), min(l.WeightZero+most, 255))
	if w.WeightZero {
		w.addOutliers(l, r)
	}
}

// fill stores weights around zero, in [least,most]: as likely all of them, or near
// zero so that few sums saturate.
func (w Workload) fill(weights []byte, r *random, zero, least, most int32) {
	if w.Saturation == UsualSaturation {
		r.fill(weights, least, most)
		return
	}
	s := spread[w.Saturation]
	for i := range weights {
		weights[i] = byte(min(max(zero+int32(math.Round(s*r.normal())), least), most))
	}
}

// addOutliers stores weights that minus the zero point do not fit int8: one at
// least, and about one in 8 rows of w.Taps() weights; of depthwise, one in 1000
// (trained networks: 25 of 64224 in MobileNet v2 1.0, 32 of 22320 in v1 0.5).
func (w Workload) addOutliers(l *qnn.Layer, r *random) {
	outlier := byte(0)
	if l.WeightZero < 128 {
		outlier = 255
	}
	every := 8 * w.Taps()
	if w.Op == Depthwise {
		every = 1000
	}
	for row := 0; row < len(l.Weights); row += every {
		end := min(row+every, len(l.Weights))
		l.Weights[row+r.below(end-row)] = outlier
	}
}

// fillScales chooses multipliers and bias. With inputs x of mean 127.5, channel
// c's accumulator without bias has mean (127.5 - InputZero) * sum(w) and
// variance varianceOfInput * sum(w^2), w after subtraction of its zero point.
func (w Workload) fillScales(l *qnn.Layer, r *random) {
	sums, squares := w.weightSums(l)
	q := &l.Requant
	outStd := 0.3 * float64(q.Hi-q.Lo+1)
	std := func(squares float64) float64 { return math.Sqrt(varianceOfInput * max(squares, 1)) }
	jitter := func() float64 { return 0.75 + 0.5*r.unit() }
	if w.PerChannel {
		q.Mult = make([]qnn.Multiplier, w.O)
		for c := range q.Mult {
			q.Mult[c] = w.multiplier(outStd/std(float64(squares[c]))*jitter(), c, q, r)
		}
	} else {
		total := 0.0
		for _, s := range squares {
			total += float64(s)
		}
		q.Mult = []qnn.Multiplier{w.multiplier(outStd/std(total/float64(w.O))*jitter(), 0, q, r)}
	}
	l.Bias = make([]int32, w.O)
	middle := float64(q.Lo+q.Hi)/2 - float64(q.Zero)
	for c := range l.Bias {
		m := q.Multiplier(c)
		shift := middle / math.Ldexp(float64(m.M), int(m.Exp)-31)
		shift -= (127.5 - float64(l.InputZero)) * float64(sums[c])
		shift += 0.5 * std(float64(squares[c])) * (r.unit() - 0.5)
		l.Bias[c] = int32(min(max(shift, math.MinInt32), math.MaxInt32))
	}
}

// multiplier returns one near d that is of w's class: below 1/2, or for a
// general workload from 1/2 to 2 in every other channel. One that has the form
// which w asks for may be larger.
func (w Workload) multiplier(d float64, channel int, q *qnn.Requantise, r *random) qnn.Multiplier {
	const below = 0.499999
	if w.General && channel%2 == 0 {
		return qnn.QuantizeMultiplier(0.5 * math.Exp2(2*r.unit()))
	}
	d = min(max(d, 1.0/(1<<22)), below)
	for try := 0; ; try++ {
		m := qnn.QuantizeMultiplier(d)
		if w.General || try == 200 || w.hasForm(m, q) {
			return m
		}
		d = min(d*(1+0.02*r.unit()), below*(0.5+0.5*r.unit()))
	}
}

// hasForm tells whether multiplier m under q has the forms that w asks for.
func (w Workload) hasForm(m qnn.Multiplier, q *qnn.Requantise) bool {
	one := *q
	one.Mult = []qnn.Multiplier{m}
	if w.Float {
		if _, ok := one.FloatForm(0); !ok {
			return false
		}
	}
	_, short := one.ShortForm(0)
	return short || w.Sign
}

// weightSums returns for each output channel the sum and the sum of squares of
// its weights after subtraction of their zero point.
func (w Workload) weightSums(l *qnn.Layer) (sums, squares []int64) {
	sums, squares = make([]int64, w.O), make([]int64, w.O)
	flip, zero := byte(0), l.WeightZero
	if l.WeightSigned { // v ^ 0x80 is v + 128
		flip, zero = 0x80, 128
	}
	taps := w.Taps()
	if w.Op == Depthwise { // [KH][KW][O]
		for t := range taps {
			for c, b := range l.Weights[t*w.O:][:w.O] {
				v := int64(int32(b^flip) - zero)
				sums[c] += v
				squares[c] += v * v
			}
		}
		return sums, squares
	}
	for c := range sums { // [O][taps]
		sum, square := int64(0), int64(0)
		for _, b := range l.Weights[c*taps:][:taps] {
			v := int64(int32(b^flip) - zero)
			sum += v
			square += v * v
		}
		sums[c], squares[c] = sum, square
	}
	return sums, squares
}
