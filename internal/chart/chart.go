// Package chart draws numbers as SVG pictures, with gonum's plots: dots, lines
// and roofs over two axes. One Chart has two forms. File stands alone: black on
// white, with title and legend. Inline is for a page: it takes its colours from the
// page's style sheet (see Classes), so it follows light and dark, its title and
// description are for those who do not see it, and the page writes the Key.
package chart

import (
	"bytes"
	"errors"
	"image/color"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A Chart is what is to be drawn.
type Chart struct {
	Title  string
	Desc   string // what the picture tells, in words; for Inline
	X, Y   Axis
	Roofs  []Roof // below the series
	Series []Series
}

// An Axis is horizontal or vertical.
type Axis struct {
	Label    string
	Log      bool     // logarithmic: all values must be positive
	Min, Max float64  // the ends; both 0: as the values are
	Names    []string // of the values 0, 1, ... in place of numbers
}

// A Point is a value of each axis.
type Point struct{ X, Y float64 }

// A Series is some points of one kind.
type Series struct {
	Name   string
	Colour int // any number; equal numbers have equal colours
	Mark   Mark
	Points []Point
}

// A Mark is how a series is drawn.
type Mark uint8

// Marks. Lines go from point to point.
const (
	Circle Mark = iota
	Triangle
	Square
	Line
	Dashed
)

// glyphs are the marks of single points, and all marks as text.
var glyphs = map[Mark]draw.GlyphDrawer{Circle: draw.CircleGlyph{}, Triangle: draw.PyramidGlyph{}, Square: draw.BoxGlyph{}}

// radii of the glyphs give them about the same area.
var radii = map[Mark]vg.Length{Circle: vg.Points(3.2), Triangle: vg.Points(5), Square: vg.Points(4)}

var glyphTexts = map[Mark]string{Circle: "●", Triangle: "▲", Square: "■", Line: "━", Dashed: "╌"}

const (
	fileWidth, fileHeight     = 10 * vg.Inch, 6 * vg.Inch
	inlineWidth, inlineHeight = vg.Length(520), vg.Length(320)
)

// gap is between the plot, its names and the margins.
var gap = vg.Points(8)

// palette tells series apart, also for colour-blind eyes (Okabe and Ito).
var palette = []color.NRGBA{
	{0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff},
	{0xcc, 0x79, 0xa7, 0xff}, {0xe6, 0x9f, 0x00, 0xff}, {0x56, 0xb4, 0xe9, 0xff},
}

// translucent is how much of a series' colour a File shows, so that dots behind
// dots are seen. An Inline one's is given by the style sheet.
const translucent = 0xc0

var gridColour = color.Gray{0xe4}

// ErrEmpty is the error of a chart without points.
var ErrEmpty = errors.New("there is nothing to draw")

// File returns the chart as a file of its own.
func (c *Chart) File() ([]byte, error) {
	p, err := c.plot(translucent)
	if err != nil {
		return nil, err
	}
	p.Title.Text, p.Title.Padding = c.Title, gap
	canvas := vgsvg.New(fileWidth, fileHeight)
	page := draw.New(canvas)
	page.SetColor(color.White)
	page.Fill(page.Rectangle.Path())
	names := c.legend(p)
	margin := c.roofMargin(p)
	if names != "" {
		margin = max(margin, p.Legend.ThumbnailWidth+gap+p.Legend.TextStyle.Width(names))
	}
	area := draw.Crop(page, gap, -gap-margin, gap, -gap)
	// The legend stands right of the plot: its place is given from the axis on.
	p.Legend.Left = true
	p.Legend.XOffs, p.Legend.YOffs = p.DataCanvas(area).Size().X+2*gap, gap
	p.Draw(area)
	var b bytes.Buffer
	_, err = canvas.WriteTo(&b)
	return b.Bytes(), err
}

// Inline returns the chart as an element of a page. The id is of letters, digits
// and hyphens, and no other element's.
func (c *Chart) Inline(id string) (string, error) {
	p, err := c.plot(0xff)
	if err != nil {
		return "", err
	}
	p.BackgroundColor = nil // the page's
	canvas := vgsvg.New(inlineWidth, inlineHeight)
	p.Draw(draw.Crop(draw.New(canvas), gap/2, -gap-c.roofMargin(p), gap/2, -gap))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return "", err
	}
	return themed(b.Bytes(), id, c.Title, c.Desc)
}

// A KeyEntry explains a series.
type KeyEntry struct {
	Class, Glyph, Name string // Class is that of the series' colour, see Classes
}

// Key explains the series that have points.
func (c *Chart) Key() []KeyEntry {
	var key []KeyEntry
	for _, s := range c.Series {
		if len(s.Points) > 0 {
			key = append(key, KeyEntry{seriesClass(s.Colour), glyphTexts[s.Mark], s.Name})
		}
	}
	return key
}

// plot makes the plot without title and legend. The series' colours have an alpha.
func (c *Chart) plot(alpha uint8) (*plot.Plot, error) {
	plot.DefaultFont.Variant = "Sans"
	if !slices.ContainsFunc(c.Series, func(s Series) bool { return len(s.Points) > 0 }) {
		return nil, ErrEmpty
	}
	p := plot.New()
	g := plotter.NewGrid()
	g.Horizontal.Color, g.Vertical.Color = gridColour, gridColour
	p.Add(g)
	c.X.apply(&p.X)
	c.Y.apply(&p.Y)
	for i := range c.Roofs {
		p.Add(&c.Roofs[i])
	}
	for _, s := range c.Series {
		if len(s.Points) == 0 {
			continue
		}
		drawn, err := s.plotter(alpha)
		if err != nil {
			return nil, err
		}
		p.Add(drawn)
	}
	c.X.widen(&p.X) // where the values decide, which Add has looked at
	c.Y.widen(&p.Y)
	return p, nil
}

// legend adds the legend, and returns its names.
func (c *Chart) legend(p *plot.Plot) string {
	p.Legend.Padding = vg.Points(3)
	var names []string
	for _, s := range c.Series {
		if thumb, err := s.plotter(translucent); err == nil && len(s.Points) > 0 {
			p.Legend.Add(s.Name, thumb)
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, "\n")
}

// drawn is what both a plot and its legend can show.
type drawn interface {
	plot.Plotter
	plot.Thumbnailer
	plot.DataRanger
}

func (s *Series) plotter(alpha uint8) (drawn, error) {
	points := make(plotter.XYs, len(s.Points))
	for i, p := range s.Points {
		points[i] = plotter.XY(p)
	}
	colour := palette[s.Colour%len(palette)]
	colour.A = alpha
	if shape, isGlyph := glyphs[s.Mark]; isGlyph {
		d, err := plotter.NewScatter(points)
		if err != nil {
			return nil, err
		}
		d.GlyphStyle = draw.GlyphStyle{Color: colour, Radius: radii[s.Mark], Shape: shape}
		return d, nil
	}
	l, err := plotter.NewLine(points)
	if err != nil {
		return nil, err
	}
	l.Color, l.Width = colour, vg.Points(2)
	if s.Mark == Dashed {
		l.Dashes = []vg.Length{vg.Points(5), vg.Points(4)}
	}
	return l, nil
}
