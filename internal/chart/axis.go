package chart

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// apply sets what does not depend on the values.
func (a *Axis) apply(to *plot.Axis) {
	to.Label.Text = a.Label
	switch {
	case len(a.Names) > 0:
		ticks := make(plot.ConstantTicks, len(a.Names))
		for i, n := range a.Names {
			ticks[i] = plot.Tick{Value: float64(i), Label: n}
		}
		to.Tick.Marker = ticks
	case a.Log:
		to.Scale, to.Tick.Marker = plot.LogScale{}, plot.TickerFunc(logTicks)
	default:
		to.Tick.Marker = plot.TickerFunc(linearTicks)
	}
}

// widen sets the ends where the values decide: dots do not stand on the frame.
func (a *Axis) widen(to *plot.Axis) {
	switch {
	case a.Min != a.Max:
		to.Min, to.Max = a.Min, a.Max
	case len(a.Names) > 0:
		to.Min, to.Max = -0.5, float64(len(a.Names))-0.5
	case a.Log:
		to.Min, to.Max = to.Min/1.1, to.Max*1.1
	default:
		room := 0.05 * (to.Max - to.Min)
		if least := 0.02 * math.Abs(to.Max); room < least { // noise must not fill the picture
			room = least
		}
		if room == 0 { // all values are 0
			room = 1
		}
		to.Min, to.Max = to.Min-room, to.Max+room
	}
}

// linearTicks are gonum's, with numbers as short as they can be.
func linearTicks(lo, hi float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(lo, hi)
	for i := range ticks {
		if t := &ticks[i]; t.Label != "" {
			t.Label = strconv.FormatFloat(t.Value, 'g', 4, 64)
		}
	}
	return ticks
}

// decade rounds v to a power of ten.
func decade(v float64, round func(float64) float64) float64 {
	return math.Pow(10, round(math.Log10(v)))
}

// logTicks marks 1, 2 ... 9 times each power of ten between lo and hi, and labels
// the powers, 2 and 5.
func logTicks(lo, hi float64) []plot.Tick {
	const slack = 1e-9 // of what rounding does to the ends
	var ticks []plot.Tick
	for power := decade(lo, math.Floor); power <= hi*(1+slack); power *= 10 {
		for i := 1; i < 10; i++ {
			v := power * float64(i)
			if v < lo*(1-slack) || v > hi*(1+slack) {
				continue
			}
			t := plot.Tick{Value: v}
			if i == 1 || i == 2 || i == 5 {
				t.Label = strconv.FormatFloat(v, 'g', 4, 64)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}
