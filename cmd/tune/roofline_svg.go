package main

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"qtune/schedules"
)

const (
	svgWidth  = 10 * vg.Inch
	svgHeight = 6 * vg.Inch
)

// svgGap is between the plot, its names and the margins.
var svgGap = vg.Points(8)

// operatorGlyphs are the dots of layers.
var operatorGlyphs = []struct {
	op    schedules.Op
	glyph draw.GlyphDrawer
}{
	{schedules.Conv2D, draw.CircleGlyph{}},
	{schedules.Depthwise, draw.PyramidGlyph{}},
	{schedules.Dense, draw.BoxGlyph{}},
}

// modelColours tell networks apart, also for colour-blind eyes (Okabe and Ito).
var modelColours = []color.Color{
	color.NRGBA{0x00, 0x72, 0xb2, 0xc0}, color.NRGBA{0xd5, 0x5e, 0x00, 0xc0}, color.NRGBA{0x00, 0x9e, 0x73, 0xc0},
	color.NRGBA{0xcc, 0x79, 0xa7, 0xc0}, color.NRGBA{0xe6, 0x9f, 0x00, 0xc0}, color.NRGBA{0x56, 0xb4, 0xe9, 0xc0},
}

// svg draws the roofs of one thread, and a dot for each layer with
// multiply-accumulate steps.
func (rep *rooflineReport) svg() ([]byte, error) {
	plot.DefaultFont.Variant = "Sans"
	p := plot.New()
	brand := schedules.HostMachine().Brand
	p.Title.Text = fmt.Sprintf("Roofline of %s on %s, 1 thread\n%s", rep.subject(), rep.Target, brand)
	p.Title.Padding = svgGap
	p.X.Label.Text, p.Y.Label.Text = "MAC per byte moved", "GMAC/s"
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Scale, a.Tick.Marker = plot.LogScale{}, plot.TickerFunc(logTicks)
	}
	if !rep.setRanges(p) {
		return nil, errors.New("no layer has multiply-accumulate steps that could be drawn")
	}
	p.Add(grid())
	peaks := rep.addRoofs(p)
	names, err := rep.addDots(p)
	if err != nil {
		return nil, err
	}
	canvas := vgsvg.New(svgWidth, svgHeight)
	page := draw.New(canvas)
	margin := svgGap + max(roofText(p, nil).Width(peaks), p.Legend.ThumbnailWidth+svgGap+p.Legend.TextStyle.Width(names))
	area := draw.Crop(page, svgGap, -svgGap-margin, svgGap, -svgGap)
	// The legend stands right of the plot: its place is given from the axis on.
	p.Legend.Left = true
	inner := p.DataCanvas(area)
	p.Legend.XOffs, p.Legend.YOffs = inner.Size().X+2*svgGap, svgGap
	page.SetColor(color.White)
	page.Fill(page.Rectangle.Path())
	p.Draw(area)
	var b bytes.Buffer
	_, err = canvas.WriteTo(&b)
	return b.Bytes(), err
}

// subject names what is drawn.
func (rep *rooflineReport) subject() string {
	if len(rep.Models) == 1 {
		return rep.Models[0].Model
	}
	return plural(len(rep.Models), "network")
}

// setRanges sets the axes so that all dots and roofs are in sight; false: there
// are no dots.
func (rep *rooflineReport) setRanges(p *plot.Plot) bool {
	var xs, ys []float64
	for i := range rep.Models {
		for _, o := range operatorGlyphs {
			for _, dot := range rep.Models[i].Runs[0].dots(o.op) {
				xs, ys = append(xs, dot.X), append(ys, dot.Y)
			}
		}
	}
	if len(xs) == 0 {
		return false
	}
	top := 0.0
	for _, peak := range rep.Machine[0].Peaks {
		top = max(top, peak.GMACs)
	}
	p.X.Min, p.X.Max = decade(slices.Min(xs), math.Floor), max(decade(slices.Max(xs), math.Ceil), 100)
	p.Y.Min, p.Y.Max = decade(slices.Min(ys), math.Floor), 2*max(top, slices.Max(ys))
	return true
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

func grid() plot.Plotter {
	g := plotter.NewGrid()
	g.Horizontal.Color, g.Vertical.Color = color.Gray{0xe4}, color.Gray{0xe4}
	return g
}

// A roof is a line that no dot should be above, with its name along it, or at its
// right end outside of the plot.
type roof struct {
	from, to plotter.XY
	name     string
	outside  bool
	style    draw.LineStyle
}

// addRoofs adds a horizontal roof for each peak, and for each bandwidth a rising
// one as far as the peak of the target. It returns the names that stand outside.
func (rep *rooflineReport) addRoofs(p *plot.Plot) string {
	m := &rep.Machine[0]
	top := m.peak(rep.Target)
	solid := draw.LineStyle{Color: color.Gray{0x20}, Width: vg.Points(1.3)}
	dashed := draw.LineStyle{Color: color.Gray{0x70}, Width: vg.Points(0.8), Dashes: []vg.Length{vg.Points(4), vg.Points(3)}}
	var names []string
	for _, peak := range m.Peaks {
		style := dashed
		if peak.Target == rep.Target {
			style = solid
		}
		name := fmt.Sprintf("%s\n%.0f GMAC/s", peak.Step, peak.GMACs)
		names = append(names, name)
		p.Add(&roof{plotter.XY{X: p.X.Min, Y: peak.GMACs}, plotter.XY{X: p.X.Max, Y: peak.GMACs}, name, true, style})
	}
	blue := draw.LineStyle{Color: color.NRGBA{0x44, 0x55, 0x88, 0xff}, Width: vg.Points(1)}
	for _, l := range m.Levels {
		from := plotter.XY{X: max(p.X.Min, p.Y.Min/l.MedianGBs)}
		to := plotter.XY{X: top / l.MedianGBs, Y: top}
		from.Y = from.X * l.MedianGBs
		if to.X > from.X {
			p.Add(&roof{from, to, fmt.Sprintf("%s: %.0f GB/s", l.Name, l.MedianGBs), false, blue})
		}
	}
	return strings.Join(names, "\n")
}

// Plot draws the line and the name.
func (r *roof) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	from, to := vg.Point{X: x(r.from.X), Y: y(r.from.Y)}, vg.Point{X: x(r.to.X), Y: y(r.to.Y)}
	c.StrokeLines(r.style, c.ClipLinesXY([]vg.Point{from, to})...)
	style := roofText(p, r.style.Color)
	if r.outside {
		style.YAlign = text.YCenter
		c.FillText(style, to.Add(vg.Point{X: svgGap}), r.name)
		return
	}
	angle := math.Atan2(float64(to.Y-from.Y), float64(to.X-from.X))
	along, above := 1.5*svgGap, vg.Points(2)
	sin, cos := vg.Length(math.Sin(angle)), vg.Length(math.Cos(angle))
	style.Rotation, style.YAlign = angle, text.YBottom
	c.FillText(style, from.Add(vg.Point{X: along*cos - above*sin, Y: along*sin + above*cos}), r.name)
}

// roofText is how names of roofs are written: smaller than the legend.
func roofText(p *plot.Plot, c color.Color) text.Style {
	style := p.Legend.TextStyle
	style.Color, style.Font.Size = c, vg.Points(9)
	return style
}

// addDots adds the layers: a colour for each network, a glyph for each operator.
// It returns the names in the legend.
func (rep *rooflineReport) addDots(p *plot.Plot) (string, error) {
	var names []string
	for i := range rep.Models {
		m := &rep.Models[i]
		for _, o := range operatorGlyphs {
			dots := m.Runs[0].dots(o.op)
			if len(dots) == 0 {
				continue
			}
			s, err := plotter.NewScatter(dots)
			if err != nil {
				return "", err
			}
			s.GlyphStyle = draw.GlyphStyle{Color: modelColours[i%len(modelColours)], Radius: vg.Points(3.2), Shape: o.glyph}
			p.Add(s)
			name := string(o.op)
			if len(rep.Models) > 1 {
				name = filepath.Base(m.Model) + ", " + name
			}
			names = append(names, name)
			p.Legend.Add(name, s)
		}
	}
	p.Legend.Padding = vg.Points(3)
	return strings.Join(names, "\n"), nil
}

// dots are the layers of an operator.
func (r *rooflineRuns) dots(op schedules.Op) plotter.XYs {
	var dots plotter.XYs
	for i := range r.Layers {
		if l := &r.Layers[i]; l.MACs > 0 && l.op == op {
			dots = append(dots, plotter.XY{X: l.intensity(), Y: l.speed()})
		}
	}
	return dots
}
