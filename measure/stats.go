package measure

import (
	"math"
	"slices"
)

// Noise of a kernel's time on a shared machine only ever adds: an interrupt, a
// neighbour on the other hyperthread, a hypervisor that takes the core away.
// So the middle of the samples wanders with the machine's load while the fast
// end stays: the center of a Summary is the lower quartile, not the minimum
// (which a single lucky sample decides) nor the median.
const (
	centerQuantile = 0.25
	confidence     = 0.90
)

// A Summary estimates a time from samples. It assumes no distribution: Lo and
// Hi are order statistics, between which the lower quartile lies with
// probability Confidence (less than 0.90 where the samples are too few).
type Summary struct {
	Center, Lo, Hi Nanos
	Confidence     float64
	N              int // samples; 0 = nothing known
}

// Summarise estimates the lower quartile of samples, in nanoseconds.
func Summarise(samples []float64) Summary {
	n := len(samples)
	if n == 0 {
		return Summary{}
	}
	s := slices.Sorted(slices.Values(samples))
	lo, hi, conf := quantileInterval(n, centerQuantile)
	return Summary{
		Center:     Nanos(s[int(centerQuantile*float64(n-1))]),
		Lo:         Nanos(s[lo]),
		Hi:         Nanos(s[hi]),
		Confidence: conf,
		N:          n,
	}
}

// quantileInterval returns the indices, in n sorted samples, of an interval
// that holds their distribution's q-quantile, grown around it until it does so
// with the wanted confidence or all samples are in. The number of samples
// below the quantile is binomial(n, q): between sorted samples lo and hi
// (from 0) it lies when that number is in [lo+1, hi].
func quantileInterval(n int, q float64) (lo, hi int, conf float64) {
	lo = int(q * float64(n-1))
	hi = min(lo+1, n-1)
	for k := lo + 1; k <= hi; k++ {
		conf += binomial(n, k, q)
	}
	for conf < confidence && (lo > 0 || hi < n-1) {
		below, above := -1.0, -1.0
		if lo > 0 {
			below = binomial(n, lo, q)
		}
		if hi < n-1 {
			above = binomial(n, hi+1, q)
		}
		if below >= above {
			lo, conf = lo-1, conf+below
		} else {
			hi, conf = hi+1, conf+above
		}
	}
	return lo, hi, conf
}

// binomial is the probability of k successes in n trials of probability q.
func binomial(n, k int, q float64) float64 {
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	return math.Exp(lg(n) - lg(k) - lg(n-k) + float64(k)*math.Log(q) + float64(n-k)*math.Log1p(-q))
}

// Variation is how much samples differ from each other: half the distance of
// their quartiles, relative to their median. 0 where there are fewer than four.
func Variation(samples []float64) float64 {
	if len(samples) < 4 {
		return 0
	}
	s := slices.Sorted(slices.Values(samples))
	last := len(s) - 1
	return (s[last*3/4] - s[last/4]) / 2 / s[last/2]
}

// NoiseFloor is the relative difference below which two kernels are a tie
// however many samples were taken: placement of code and buffers alone moves a
// time that much between two processes.
const NoiseFloor = 0.01

// A Comparison is the ratio of two kernels' times: below 1, the first is the
// faster one.
type Comparison struct {
	Ratio, Lo, Hi float64 // median of the pairs' ratios, and where it lies with 90 % confidence
	N             int     // pairs
}

// Compare judges samples that were taken in turn, a[i] next to b[i], by the
// ratio of each pair: what slows the machine down slows both and cancels out.
func Compare(a, b []float64) Comparison {
	n := min(len(a), len(b))
	if n == 0 {
		return Comparison{Ratio: 1, Lo: 0, Hi: math.Inf(1)}
	}
	r := make([]float64, n)
	for i := range r {
		r[i] = a[i] / b[i]
	}
	slices.Sort(r)
	lo, hi, conf := quantileInterval(n, 0.5)
	c := Comparison{Ratio: (r[(n-1)/2] + r[n/2]) / 2, Lo: r[lo], Hi: r[hi], N: n}
	if conf < confidence {
		c.Lo, c.Hi = 0, math.Inf(1) // too few to say anything
	}
	return c
}

// Deviation is how far from 1 the ratio may be. Of a kernel compared with
// itself it is the noise of the measurement.
func (c Comparison) Deviation() float64 { return max(c.Hi-1, 1-c.Lo) }

// Faster tells whether the first kernel is faster beyond doubt: by more than
// noise (a relative difference), with 90 % confidence.
func (c Comparison) Faster(noise float64) bool { return c.Hi < 1 && c.Ratio < 1-noise }

// Tie tells whether neither is faster beyond doubt.
func (c Comparison) Tie(noise float64) bool {
	return !c.Faster(noise) && !(c.Lo > 1 && c.Ratio > 1+noise)
}
