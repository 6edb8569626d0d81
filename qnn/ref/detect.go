package ref

import (
	"fmt"
	"math"
	"slices"

	"qtune/qnn"
)

// A box is two corners.
type box struct{ yMin, xMin, yMax, xMax float32 }

// detections decodes boxes and drops those that overlap better ones
// (tensorflow/lite/kernels/detection_postprocess.cc). Where TensorFlow Lite
// leaves the order of equal scores open, the first comes first, and rows of the
// results that it does not write are 0.
func detections(g *qnn.Graph, n *qnn.Node, vals Values) error {
	op := n.Op.(qnn.DetectionPostProcess)
	d := &detector{op: op, classes: g.Input(n, 1).Shape[2]}
	d.scores = realsOf(g.Input(n, 1), vals.Of(g, n.Inputs[1]))
	d.boxes = decodeBoxes(op, g.Input(n, 0).Shape[2],
		realsOf(g.Input(n, 0), vals.Of(g, n.Inputs[0])), realsOf(g.Input(n, 2), vals.Of(g, n.Inputs[2])))
	for _, b := range d.boxes {
		if b.yMin > b.yMax || b.xMin > b.xMax {
			return fmt.Errorf("%s: a box from (%v, %v) to (%v, %v)", g.Label(n), b.yMin, b.xMin, b.yMax, b.xMax)
		}
	}
	for _, id := range n.Outputs {
		clear(vals[id])
	}
	var found []detection
	count := 0
	if op.Regular {
		found = d.regular()
		count = len(found)
	} else {
		found, count = d.fast()
	}
	for i, f := range found {
		if f.box < 0 {
			continue
		}
		b := d.boxes[f.box]
		for k, v := range []float32{b.yMin, b.xMin, b.yMax, b.xMax} {
			putFloat(vals[n.Outputs[0]], 4*i+k, v)
		}
		putFloat(vals[n.Outputs[1]], i, float32(f.class))
		putFloat(vals[n.Outputs[2]], i, f.score)
	}
	putFloat(vals[n.Outputs[3]], 0, float32(count))
	return nil
}

// realsOf returns the real values of a tensor.
func realsOf(t *qnn.Tensor, data []byte) []float32 {
	v := make([]float32, t.Shape.Elems())
	for i := range v {
		if t.Type == qnn.Float32 {
			v[i] = float(data, i)
		} else {
			v[i] = float32(float32(decode(t.Type, data, i)-t.Quant.Zero[0]) * t.Quant.Scale[0])
		}
	}
	return v
}

// decodeBoxes places the boxes, of stride numbers each, at their anchors. It
// computes in double precision and rounds centres and half extents to float32.
func decodeBoxes(op qnn.DetectionPostProcess, stride int, e, anchors []float32) []box {
	boxes := make([]box, len(anchors)/4)
	for i := range boxes {
		e, a := e[i*stride:], anchors[4*i:]
		centre := func(e, scale, extent, at float32) float32 {
			p := float64(float64(e)/float64(scale)) * float64(extent)
			return float32(float64(p) + float64(at))
		}
		half := func(e, scale, extent float32) float32 {
			p := float64(0.5 * math.Exp(float64(e)/float64(scale)))
			return float32(p * float64(extent))
		}
		y, x := centre(e[0], op.ScaleY, a[2], a[0]), centre(e[1], op.ScaleX, a[3], a[1])
		h, w := half(e[2], op.ScaleH, a[2]), half(e[3], op.ScaleW, a[3])
		boxes[i] = box{float32(y - h), float32(x - w), float32(y + h), float32(x + w)}
	}
	return boxes
}

// overlap is the intersection over the union, 0 for boxes without area.
func overlap(a, b box) float32 {
	area := func(b box) float32 { return float32(float32(b.yMax-b.yMin) * float32(b.xMax-b.xMin)) }
	areaA, areaB := area(a), area(b)
	if areaA <= 0 || areaB <= 0 {
		return 0
	}
	h := max(float32(min(a.yMax, b.yMax)-max(a.yMin, b.yMin)), 0)
	w := max(float32(min(a.xMax, b.xMax)-max(a.xMin, b.xMin)), 0)
	both := float32(h * w)
	return float32(both / float32(float32(areaA+areaB)-both))
}

// A detection is a box with a class. Box -1 is a row that stays empty.
type detection struct {
	box, class int
	score      float32
}

type detector struct {
	op      qnn.DetectionPostProcess
	boxes   []box
	scores  []float32 // [box][classes]
	classes int       // the background included, which is the first
}

// score is that of a class of a box.
func (d *detector) score(box, class int) float32 {
	return d.scores[box*d.classes+class+d.classes-d.op.Classes]
}

// fast looks at the best class of each box. The results have MaxClasses rows for
// each box that is left.
func (d *detector) fast() (found []detection, count int) {
	best := make([]float32, len(d.boxes))
	order := make([][]int, len(d.boxes))
	per := min(d.op.MaxClasses, d.op.Classes)
	for i := range d.boxes {
		order[i] = d.bestClasses(i, per)
		best[i] = d.score(i, order[i][0])
	}
	kept := d.suppress(best, d.op.MaxDetections)
	for _, b := range kept {
		for k := range d.op.MaxClasses {
			if k < per {
				found = append(found, detection{b, order[b][k], d.score(b, order[b][k])})
			} else {
				found = append(found, detection{box: -1})
			}
		}
	}
	return found, len(kept)
}

// bestClasses returns the n best classes of a box, in order. One is the usual
// number, which needs no sorting.
func (d *detector) bestClasses(box, n int) []int {
	if n > 1 {
		all := make([]int, d.op.Classes)
		for c := range all {
			all[c] = c
		}
		return descending(all, func(c int) float32 { return d.score(box, c) })[:n]
	}
	best := 0
	for c := range d.op.Classes {
		if d.score(box, c) > d.score(box, best) {
			best = c
		}
	}
	return []int{best}
}

// regular looks at each class by itself, and keeps the best of all.
func (d *detector) regular() []detection {
	var found []detection
	scores := make([]float32, len(d.boxes))
	for class := range d.op.Classes {
		for i := range scores {
			scores[i] = d.score(i, class)
		}
		for _, b := range d.suppress(scores, d.op.DetectionsPerClass) {
			found = append(found, detection{b, class, scores[b]})
		}
		slices.SortStableFunc(found, func(a, b detection) int { return higher(a.score, b.score) })
		found = found[:min(len(found), d.op.MaxDetections)]
	}
	return found
}

// suppress returns the boxes with the highest scores, at most n, none of which
// overlaps a better one too much.
func (d *detector) suppress(scores []float32, n int) []int {
	var left, kept []int // most boxes are below the threshold: sort the others
	for b, s := range scores {
		if s >= d.op.ScoreThreshold {
			left = append(left, b)
		}
	}
	for _, b := range descending(left, func(i int) float32 { return scores[i] }) {
		if len(kept) == n {
			break
		}
		if !slices.ContainsFunc(kept, func(k int) bool { return overlap(d.boxes[k], d.boxes[b]) > d.op.IOUThreshold }) {
			kept = append(kept, b)
		}
	}
	return kept
}

// descending sorts numbers by value, the highest first, equal ones in order.
func descending(order []int, value func(int) float32) []int {
	slices.SortStableFunc(order, func(a, b int) int { return higher(value(a), value(b)) })
	return order
}

func higher(a, b float32) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}
