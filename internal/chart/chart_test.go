package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

// hostile is a name as no model should have one.
const hostile = `<script>alert("1")</script>&'`

func aChart() *Chart {
	return &Chart{
		Title: hostile, Desc: "what " + hostile + " tells",
		X: Axis{Label: "knob", Names: []string{"a", hostile}}, Y: Axis{Label: "us", Log: true},
		Roofs: []Roof{{Point{0, 2}, Point{1, 2}, hostile, true, Other}},
		Series: []Series{
			{Name: hostile, Colour: 1, Mark: Circle, Points: []Point{{0, 1}, {1, 30}, {1, 3}}},
			{Name: "line", Mark: Dashed, Points: []Point{{0, 2}, {1, 2}}},
			{Name: "none"},
		},
	}
}

// elements reads a picture, and fails where it is not well-formed.
func elements(t *testing.T, svg string) (all []xml.StartElement, text string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all, text
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			all = append(all, token.Copy())
		case xml.CharData:
			text += string(token) + "\n"
		}
	}
}

// An inline chart has no style of its own, only classes that are known, and says
// what it is.
func TestInline(t *testing.T) {
	svg, err := aChart().Inline("c1")
	if err != nil {
		t.Fatal(err)
	}
	all, text := elements(t, svg)
	if !strings.Contains(text, hostile) || strings.Contains(svg, "<script") {
		t.Errorf("the names are not as they are given: %s", svg)
	}
	paths := 0
	for _, e := range all {
		if e.Name.Local == "path" {
			paths++
		}
		for _, a := range e.Attr {
			switch {
			case a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on"):
				t.Errorf("<%s> has the attribute %s", e.Name.Local, a.Name.Local)
			case a.Name.Local == "class" && !slices.Contains(Classes(), a.Value):
				t.Errorf("<%s> has the class %q", e.Name.Local, a.Value)
			case strings.HasPrefix(a.Value, "#"):
				t.Errorf("<%s> has a colour of its own: %s=%q", e.Name.Local, a.Name.Local, a.Value)
			}
		}
	}
	for _, want := range []string{`role="img"`, `aria-labelledby="c1-title c1-desc"`, `<title id="c1-title">`, `<desc id="c1-desc">`,
		`class="series1"`, `class="series0"`, `class="grid"`, `class="other"`, `fill="currentColor"`} {
		if !strings.Contains(svg, want) {
			t.Errorf("%s is missing in\n%s", want, svg)
		}
	}
	if n := strings.Count(svg, `class="series1"`); n != 1 {
		t.Errorf("three dots that look alike are %d paths of %d, want one", n, paths)
	}
}

func TestFile(t *testing.T) {
	svg, err := aChart().File()
	if err != nil {
		t.Fatal(err)
	}
	_, text := elements(t, string(svg))
	for _, want := range []string{hostile, "line", "knob", "us"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %q", want, text)
		}
	}
	if strings.Contains(text, "none") {
		t.Error("a legend for what is not there")
	}
}

func TestKey(t *testing.T) {
	want := []KeyEntry{{"series1", "●", hostile}, {"series0", "╌", "line"}}
	if got := aChart().Key(); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Nothing, equal values and single points are no reason to fail, nor do they give
// numbers that no picture can show.
func TestFewPoints(t *testing.T) {
	if _, err := (&Chart{}).Inline("c"); !errors.Is(err, ErrEmpty) {
		t.Errorf("without points: %v", err)
	}
	for _, points := range [][]Point{{{0, 0}}, {{3, 5}, {3, 5}}, {{-1, -1}}, {{1e300, 1e-300}}} {
		for _, m := range []Mark{Circle, Line} {
			c := Chart{Series: []Series{{Mark: m, Points: points}}}
			svg, err := c.Inline("c")
			if err != nil || strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
				t.Errorf("%v: %v, %s", points, err, svg)
			}
		}
	}
}

func TestLogTicks(t *testing.T) {
	var labels []string
	for _, tick := range logTicks(0.5, 20) {
		if tick.Label != "" {
			labels = append(labels, tick.Label)
		}
	}
	if want := []string{"0.5", "1", "2", "5", "10", "20"}; !slices.Equal(labels, want) {
		t.Errorf("%v, want %v", labels, want)
	}
}

// The bandwidth's roof rises to the peak that counts, and is left out where the
// dots are all beyond it.
func TestRoofline(t *testing.T) {
	r := Roofline{
		Peaks:  []Peak{{"main", 100, true}, {"other", 50, false}},
		Levels: []Level{{"L1", 10}, {"L2", 1e9}},
		Series: []Series{{Points: []Point{{2, 30}, {40, 80}}}},
	}
	c, err := r.Chart()
	if err != nil {
		t.Fatal(err)
	}
	if c.X.Min != 1 || c.X.Max != 100 || c.Y.Min != 10 || c.Y.Max != 200 {
		t.Errorf("axes %v and %v", c.X, c.Y)
	}
	if len(c.Roofs) != 3 || c.Roofs[2].From != (Point{1, 10}) || math.Abs(c.Roofs[2].To.X-10) > 1e-9 {
		t.Errorf("roofs %+v", c.Roofs)
	}
	if _, err := (&Roofline{}).Chart(); !errors.Is(err, ErrEmpty) {
		t.Errorf("without layers: %v", err)
	}
}
