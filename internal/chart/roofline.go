package chart

import (
	"fmt"
	"math"
)

// A Roofline compares layers, as dots, with what a machine can do.
type Roofline struct {
	Title, Desc string
	Peaks       []Peak
	Levels      []Level
	Series      []Series // X: MAC per byte moved, Y: GMAC/s
}

// A Peak is a horizontal roof, of a dot step.
type Peak struct {
	Step  string
	GMACs float64 // a second
	Main  bool    // it is the dot step of the layers
}

// A Level is a rising roof, of a cache's or memory's bandwidth.
type Level struct {
	Name string
	GBs  float64 // a second
}

// Chart draws all dots and peaks, and the levels as far as the main peak.
func (r *Roofline) Chart() (*Chart, error) {
	lo, hi := Point{math.Inf(1), math.Inf(1)}, Point{}
	for _, s := range r.Series {
		for _, p := range s.Points {
			lo = Point{min(lo.X, p.X), min(lo.Y, p.Y)}
			hi = Point{max(hi.X, p.X), max(hi.Y, p.Y)}
		}
	}
	if lo.X > hi.X {
		return nil, ErrEmpty
	}
	top := 0.0
	for _, p := range r.Peaks {
		hi.Y = max(hi.Y, p.GMACs)
		if p.Main {
			top = p.GMACs
		}
	}
	c := &Chart{
		Title: r.Title, Desc: r.Desc, Series: r.Series,
		X: Axis{Label: "MAC per byte moved", Log: true, Min: decade(lo.X, math.Floor), Max: max(decade(hi.X, math.Ceil), 100)},
		Y: Axis{Label: "GMAC/s", Log: true, Min: decade(lo.Y, math.Floor), Max: 2 * hi.Y},
	}
	for _, p := range r.Peaks {
		c.Roofs = append(c.Roofs, p.roof(&c.X))
	}
	for _, l := range r.Levels {
		if roof := l.roof(c, top); roof.To.X > roof.From.X {
			c.Roofs = append(c.Roofs, roof)
		}
	}
	return c, nil
}

func (p Peak) roof(x *Axis) Roof {
	style := Other
	if p.Main {
		style = Main
	}
	return Roof{Point{x.Min, p.GMACs}, Point{x.Max, p.GMACs}, fmt.Sprintf("%s\n%.0f GMAC/s", p.Step, p.GMACs), true, style}
}

// roof rises from where it enters the chart to the peak top.
func (l Level) roof(c *Chart, top float64) Roof {
	x := max(c.X.Min, c.Y.Min/l.GBs)
	return Roof{Point{x, x * l.GBs}, Point{top / l.GBs, top}, fmt.Sprintf("%s: %.0f GB/s", l.Name, l.GBs), false, Slope}
}
