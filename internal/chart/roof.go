package chart

import (
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Roof is a line that no dot should be above, with its name along it, or at its
// right end outside of the plot.
type Roof struct {
	From, To Point
	Name     string
	Outside  bool
	Style    RoofStyle
}

// A RoofStyle is how a roof is drawn.
type RoofStyle uint8

// Styles of roofs: the one that counts, others beside it, and slopes.
const (
	Main RoofStyle = iota
	Other
	Slope
)

var roofStyles = map[RoofStyle]draw.LineStyle{
	Main:  {Color: color.Gray{0x20}, Width: vg.Points(1.3)},
	Other: {Color: color.Gray{0x70}, Width: vg.Points(0.8), Dashes: []vg.Length{vg.Points(4), vg.Points(3)}},
	Slope: {Color: color.NRGBA{0x44, 0x55, 0x88, 0xff}, Width: vg.Points(1)},
}

// Plot draws the line and the name.
func (r *Roof) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	from, to := vg.Point{X: x(r.From.X), Y: y(r.From.Y)}, vg.Point{X: x(r.To.X), Y: y(r.To.Y)}
	line := roofStyles[r.Style]
	c.StrokeLines(line, c.ClipLinesXY([]vg.Point{from, to})...)
	style := roofText(p, line.Color)
	if r.Outside {
		style.YAlign = text.YCenter
		c.FillText(style, to.Add(vg.Point{X: gap}), r.Name)
		return
	}
	angle := math.Atan2(float64(to.Y-from.Y), float64(to.X-from.X))
	along, above := 1.5*gap, vg.Points(2)
	sin, cos := vg.Length(math.Sin(angle)), vg.Length(math.Cos(angle))
	style.Rotation, style.YAlign = angle, text.YBottom
	c.FillText(style, from.Add(vg.Point{X: along*cos - above*sin, Y: along*sin + above*cos}), r.Name)
}

// roofText is how names of roofs are written: smaller than the legend.
func roofText(p *plot.Plot, c color.Color) text.Style {
	style := p.Legend.TextStyle
	style.Color, style.Font.Size = c, vg.Points(9)
	return style
}

// roofMargin is how much room the names outside of the plot need.
func (c *Chart) roofMargin(p *plot.Plot) vg.Length {
	var names []string
	for _, r := range c.Roofs {
		if r.Outside {
			names = append(names, r.Name)
		}
	}
	if len(names) == 0 {
		return 0
	}
	return gap + roofText(p, nil).Width(strings.Join(names, "\n"))
}
