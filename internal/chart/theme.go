package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Classes are those of an Inline chart: "chart" of the picture, "grid", "other"
// and "slope" of its lines, and "series0" ... of its series. A style sheet gives
// each a colour; what has no class is drawn in the colour of the text around. There
// are no style attributes, which a strict Content-Security-Policy forbids.
func Classes() []string {
	classes := []string{"chart", "grid", "other", "slope"}
	for i := range palette {
		classes = append(classes, seriesClass(i))
	}
	return classes
}

func seriesClass(colour int) string { return fmt.Sprintf("series%d", colour%len(palette)) }

// classOf is the class of a colour as gonum writes it; empty: the text's.
func classOf(colour string) string {
	switch colour {
	case "#E4E4E4":
		return "grid"
	case "#707070":
		return "other"
	case "#445588":
		return "slope"
	}
	for i, c := range palette {
		if colour == fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) {
			return seriesClass(i)
		}
	}
	return ""
}

// kept are the attributes and style properties that an Inline chart keeps. Fonts
// are the page's.
var kept = []string{"x", "y", "d", "transform", "fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray", "font-size"}

// A rewriter turns gonum's picture into a page's.
type rewriter struct {
	out  strings.Builder
	path []xml.Attr // the path that is not written yet, to which more are added
}

// themed returns a picture of gonum's as an element of a page.
func themed(svg []byte, id, title, desc string) (string, error) {
	r := &rewriter{}
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return r.out.String(), nil
		}
		if err != nil {
			return "", fmt.Errorf("the picture: %w", err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local == "svg" {
				r.root(t, id, title, desc)
			} else {
				r.start(t)
			}
		case xml.EndElement:
			if t.Name.Local != "path" {
				r.flush()
				r.out.WriteString("</" + t.Name.Local + ">")
			}
		case xml.CharData:
			if text := bytes.TrimSpace(t); len(text) > 0 {
				r.text(string(text))
			}
		}
	}
}

// root writes the outermost element with what a screen reader says.
func (r *rewriter) root(t xml.StartElement, id, title, desc string) {
	box := attribute(t.Attr, "viewBox")
	fmt.Fprintf(&r.out, `<svg class="chart" role="img" viewBox="%s" aria-labelledby="%s-title %s-desc">`, box, id, id)
	fmt.Fprintf(&r.out, `<title id="%s-title">`, id)
	r.text(title)
	fmt.Fprintf(&r.out, `</title><desc id="%s-desc">`, id)
	r.text(desc)
	r.out.WriteString("</desc>")
}

func (r *rewriter) text(s string) {
	r.flush()
	_ = xml.EscapeText(&r.out, []byte(s)) // a Builder does not fail
}

// start writes the beginning of an element. Paths that follow each other and look
// alike become one: thousands of dots take a third of the bytes.
func (r *rewriter) start(t xml.StartElement) {
	attrs := restyle(t.Attr)
	if t.Name.Local != "path" {
		r.flush()
		r.write(t.Name.Local, attrs, false)
		return
	}
	if i := indexOf(r.path, "d"); i >= 0 && sameLook(r.path, attrs) {
		r.path[i].Value += attribute(attrs, "d")
		return
	}
	r.flush()
	r.path = attrs
}

// flush writes the waiting path.
func (r *rewriter) flush() {
	if r.path != nil {
		r.write("path", r.path, true)
		r.path = nil
	}
}

func (r *rewriter) write(name string, attrs []xml.Attr, closed bool) {
	r.out.WriteString("<" + name)
	for _, a := range attrs {
		r.out.WriteString(" " + a.Name.Local + `="`)
		_ = xml.EscapeText(&r.out, []byte(a.Value))
		r.out.WriteByte('"')
	}
	if closed {
		r.out.WriteByte('/')
	}
	r.out.WriteByte('>')
}

// restyle makes attributes of the properties of a style, and classes of colours.
func restyle(attrs []xml.Attr) []xml.Attr {
	var out []xml.Attr
	class := ""
	add := func(name, value string) {
		if !slices.Contains(kept, name) {
			return
		}
		if strings.HasPrefix(value, "#") {
			class, value = classOf(value), "currentColor"
		}
		out = append(out, xml.Attr{Name: xml.Name{Local: name}, Value: value})
	}
	for _, a := range attrs {
		if a.Name.Local != "style" {
			add(a.Name.Local, a.Value)
			continue
		}
		for property := range strings.SplitSeq(a.Value, ";") {
			name, value, _ := strings.Cut(property, ":")
			add(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	if class != "" {
		out = append(out, xml.Attr{Name: xml.Name{Local: "class"}, Value: class})
	}
	return out
}

// sameLook compares two paths but for what they draw.
func sameLook(a, b []xml.Attr) bool {
	return slices.EqualFunc(a, b, func(x, y xml.Attr) bool { return x == y || x.Name == y.Name && x.Name.Local == "d" })
}

func indexOf(attrs []xml.Attr, name string) int {
	return slices.IndexFunc(attrs, func(a xml.Attr) bool { return a.Name.Local == name })
}

func attribute(attrs []xml.Attr, name string) string {
	if i := indexOf(attrs, name); i >= 0 {
		return attrs[i].Value
	}
	return ""
}
