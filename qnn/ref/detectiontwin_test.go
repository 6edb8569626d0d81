package ref_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qtune/qnn"
)

// twinDetection computes the operator from decoded boxes in another way: it
// marks what is suppressed, and ranks by counting.
func twinDetection(op qnn.DetectionPostProcess, boxes [][]float32, scores [][]float32) detections {
	classes := op.Classes
	score := func(a, c int) float32 { return scores[a][len(scores[a])-classes+c] }
	iou := func(p, q []float32) float32 {
		sp := float32((p[2] - p[0]) * (p[3] - p[1]))
		sq := float32((q[2] - q[0]) * (q[3] - q[1]))
		if sp <= 0 || sq <= 0 {
			return 0
		}
		h := float32(math.Max(float64(min(p[2], q[2])-max(p[0], q[0])), 0))
		w := float32(math.Max(float64(min(p[3], q[3])-max(p[1], q[1])), 0))
		both := float32(h * w)
		return both / (float32(sp+sq) - both)
	}
	nms := func(of func(a int) float32, most int) (chosen []int) {
		state := make([]bool, len(boxes)) // chosen, suppressed or below the threshold
		for len(chosen) < most {
			best := -1
			for a := range boxes {
				if !state[a] && of(a) >= op.ScoreThreshold && (best < 0 || of(a) > of(best)) {
					best = a
				}
			}
			if best < 0 {
				break
			}
			chosen, state[best] = append(chosen, best), true
			for a := range boxes {
				state[a] = state[a] || iou(boxes[best], boxes[a]) > op.IOUThreshold
			}
		}
		return chosen
	}
	rows := op.MaxDetections * op.MaxClasses
	d := detections{make([]float32, 4*rows), make([]float32, rows), make([]float32, rows), make([]float32, 1)}
	put := func(row, a, c int) {
		copy(d.Boxes[4*row:], boxes[a])
		d.Classes[row], d.Scores[row] = float32(c), score(a, c)
	}
	// rank counts the scores that come before that of class c.
	rank := func(a, c int) (n int) {
		for o := range classes {
			if score(a, o) > score(a, c) || score(a, o) == score(a, c) && o < c {
				n++
			}
		}
		return n
	}
	if !op.Regular {
		top := func(a int) float32 { return slices.Max(scores[a][len(scores[a])-classes:]) }
		for i, a := range nms(top, op.MaxDetections) {
			for c := range classes {
				if r := rank(a, c); r < op.MaxClasses {
					put(i*op.MaxClasses+r, a, c)
				}
			}
			d.Count[0]++
		}
		return d
	}
	type one struct{ a, c int }
	var all []one
	for c := range classes {
		for _, a := range nms(func(a int) float32 { return score(a, c) }, op.DetectionsPerClass) {
			all = append(all, one{a, c})
		}
	}
	for i, x := range all {
		r := 0
		for j, y := range all {
			if s, o := score(x.a, x.c), score(y.a, y.c); o > s || o == s && j < i {
				r++
			}
		}
		if r < op.MaxDetections {
			put(r, x.a, x.c)
			d.Count[0]++
		}
	}
	return d
}

// TestDetectionTwin compares random detections, many of equal score, with the
// twin, and checks what holds of all.
func TestDetectionTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	found := 0
	for range 2000 {
		n, classes := 1+r.IntN(20), 1+r.IntN(5)
		op := qnn.DetectionPostProcess{
			MaxDetections: 1 + r.IntN(8), MaxClasses: 1 + r.IntN(4), Classes: classes,
			Regular: r.IntN(2) == 0, DetectionsPerClass: 1 + r.IntN(6),
			ScoreThreshold: float32(r.IntN(8)) / 16, IOUThreshold: 0.1 + 0.9*r.Float32(),
			ScaleY: 10, ScaleX: 7, ScaleH: 5, ScaleW: 3,
		}
		columns := classes + r.IntN(2)
		var anchors, scores [][]float32
		var codes []float32
		for range n {
			anchors = append(anchors, []float32{r.Float32(), r.Float32(), r.Float32(), r.Float32()})
			row := make([]float32, columns)
			for c := range row {
				row[c] = float32(r.IntN(16)) / 16
			}
			scores = append(scores, row)
			codes = append(codes, float32(r.NormFloat64()), float32(r.NormFloat64()), float32(r.NormFloat64()), float32(r.NormFloat64()))
		}
		g := detectionGraph(t, op, qnn.Float32, n, columns, [3]qnn.Quant{})
		got, err := runDetection(g, [][]byte{floatBytes(codes), floatBytes(join(scores...)), floatBytes(join(anchors...))})
		if err != nil {
			t.Fatal(err)
		}
		var boxes [][]float32
		for i, a := range anchors {
			e := codes[4*i:]
			y := float32(float64(e[0])/10*float64(a[2]) + float64(a[0]))
			x := float32(float64(e[1])/7*float64(a[3]) + float64(a[1]))
			h := float32(math.Exp(float64(e[2])/5) / 2 * float64(a[2]))
			w := float32(math.Exp(float64(e[3])/3) / 2 * float64(a[3]))
			boxes = append(boxes, []float32{y - h, x - w, y + h, x + w})
		}
		if d := cmp.Diff(twinDetection(op, boxes, scores), got); d != "" {
			t.Fatalf("%+v\n%s", op, d)
		}
		checkDetections(t, op, got)
		found += int(got.Count[0])
	}
	if found < 2000 {
		t.Errorf("%d detections in all: the cases say nothing", found)
	}
}

// checkDetections: best first, none below the threshold, classes that exist,
// and nothing behind the last.
func checkDetections(t *testing.T, op qnn.DetectionPostProcess, d detections) {
	t.Helper()
	step := op.MaxClasses
	if op.Regular {
		step = 1
	}
	n := int(d.Count[0])
	if n > op.MaxDetections {
		t.Fatalf("%d detections, at most %d", n, op.MaxDetections)
	}
	for i := range n {
		s := d.Scores[i*step]
		if s < op.ScoreThreshold || i > 0 && s > d.Scores[(i-1)*step] {
			t.Fatalf("score %v of detection %d in %v", s, i, d.Scores)
		}
	}
	for _, c := range d.Classes {
		if c < 0 || int(c) >= op.Classes {
			t.Fatalf("class %v of %d", c, op.Classes)
		}
	}
	for _, v := range join(d.Boxes[4*n*step:], d.Classes[n*step:], d.Scores[n*step:]) {
		if v != 0 {
			t.Fatalf("%v behind the last of %d detections", v, n)
		}
	}
}
