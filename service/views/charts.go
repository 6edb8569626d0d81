package views

import (
	"fmt"
	"hash/fnv"
	"slices"

	"qtune/internal/chart"
	"qtune/measure"
)

// logFrom is the ratio of the largest to the smallest time from which an axis is
// logarithmic.
const logFrom = 4

// A scale prints times of one axis in one unit.
type scale struct {
	unit string
	per  measure.Nanos
}

// scaleOf picks the unit of the smallest of some positive times.
func scaleOf(times []measure.Nanos) scale {
	switch least := slices.Min(times); {
	case least >= 1e6:
		return scale{"ms", 1e6}
	case least >= 1e3:
		return scale{"us", 1e3}
	}
	return scale{"ns", 1}
}

// timeAxis is the vertical axis for positive times.
func (s scale) axis(times []measure.Nanos) chart.Axis {
	return chart.Axis{Label: s.unit, Log: slices.Max(times)/slices.Min(times) > logFrom}
}

// curveChart draws a best time so far; nil where there is none.
func curveChart(curve []measure.Nanos, byDefault measure.Nanos) *chart.Chart {
	var times []measure.Nanos
	for _, t := range curve {
		if t > 0 {
			times = append(times, t)
		}
	}
	if len(times) == 0 {
		return nil
	}
	last := times[len(times)-1]
	if byDefault > 0 {
		times = append(times, byDefault)
	}
	s := scaleOf(times)
	c := &chart.Chart{
		Title: "Best time so far",
		Desc:  fmt.Sprintf("The best time after each of %d trials; the last is %v.", len(curve), last),
		X:     chart.Axis{Label: "trial"}, Y: s.axis(times),
	}
	best := chart.Series{Name: "best so far", Colour: 0, Mark: chart.Line}
	for i, t := range curve {
		if t == 0 || i > 0 && i < len(curve)-1 && t == curve[i-1] && t == curve[i+1] {
			continue // within a flat piece
		}
		if n := len(best.Points); n > 0 && i > 0 && t != curve[i-1] { // a step, not a slope
			best.Points = append(best.Points, chart.Point{X: float64(i + 1), Y: best.Points[n-1].Y})
		}
		best.Points = append(best.Points, chart.Point{X: float64(i + 1), Y: float64(t / s.per)})
	}
	c.Series = append(c.Series, best)
	if byDefault > 0 {
		c.Desc += fmt.Sprintf(" The default schedule takes %v.", byDefault)
		y := float64(byDefault / s.per)
		c.Series = append(c.Series, chart.Series{Name: "default schedule", Colour: 1, Mark: chart.Dashed,
			Points: []chart.Point{{X: 1, Y: y}, {X: float64(max(len(curve), 2)), Y: y}}})
	}
	return c
}

// scatterChart draws the times of trials over the values of a knob. Dots of one
// value stand beside each other, by their schedule's text, so that many are seen.
func (t *Task) scatterChart(k KnobView) *chart.Chart {
	var times []measure.Nanos
	for _, p := range t.Points {
		times = append(times, p.Time)
	}
	if len(times) == 0 || len(k.Values) == 0 {
		return nil
	}
	s := scaleOf(times)
	c := &chart.Chart{
		Title: fmt.Sprintf("Trials by knob %s", k.Name),
		Desc:  fmt.Sprintf("The time of each of %d trials that worked, by the value of the knob %s. The table holds the best and the median of each value.", len(times), k.Name),
		X:     chart.Axis{Label: "knob " + k.Name}, Y: s.axis(times),
	}
	for _, v := range k.Values {
		c.X.Names = append(c.X.Names, v.Value)
	}
	all := chart.Series{Name: "trial", Colour: 0, Mark: chart.Circle}
	chosen := chart.Series{Name: "chosen schedule", Colour: 1, Mark: chart.Triangle}
	for _, p := range t.Points {
		i := slices.Index(c.X.Names, p.Schedule.Str(k.Name, noValue))
		dot := chart.Point{X: float64(i) + beside(p.Schedule.String()), Y: float64(p.Time / s.per)}
		if p.Schedule == t.Schedule {
			chosen.Points = append(chosen.Points, dot)
			continue
		}
		all.Points = append(all.Points, dot)
	}
	c.Series = []chart.Series{all, chosen}
	return c
}

// beside is a number from -0.3 to 0.3 that depends on a text.
func beside(text string) float64 {
	h := fnv.New32a()
	h.Write([]byte(text)) // never fails, says package hash
	return 0.6 * (float64(h.Sum32()%1000)/999 - 0.5)
}
