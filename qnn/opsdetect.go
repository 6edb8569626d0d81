package qnn

import (
	"fmt"
	"math"
)

// DetectionPostProcess is the custom operator TFLite_Detection_PostProcess, the
// end of SSD networks: inputs box encodings [1][A][4 or more] (centre y, x, height,
// width, relative to an anchor), scores [1][A][classes, or one more before them,
// the background] and anchors [A][4]; outputs boxes [1][n][4] (y and x of two
// corners), classes [1][n], scores [1][n] and the number of detections [1], all
// float32, n = MaxDetections*MaxClasses.
type DetectionPostProcess struct {
	MaxDetections      int
	MaxClasses         int // of one detection
	DetectionsPerClass int // Regular only
	Classes            int
	// Regular suppresses overlapping boxes for each class; else it is done once, by
	// the best class of each box.
	Regular        bool
	ScoreThreshold float32
	IOUThreshold   float32
	// Scales of the encodings.
	ScaleY, ScaleX, ScaleH, ScaleW float32
}

func (DetectionPostProcess) OpName() string { return "TFLite_Detection_PostProcess" }

// supportsDetection checks the types; TensorFlow Lite knows no int8 here.
func supportsDetection(g *Graph, n *Node) error {
	set := types(Uint8, Int8, Float32)
	boxes, scores, anchors := g.Input(n, 0), g.Input(n, 1), g.Input(n, 2)
	if !set.has(boxes.Type) || !set.has(scores.Type) || anchors.Type != boxes.Type {
		return fmt.Errorf("%s boxes, %s scores and %s anchors", boxes.Type, scores.Type, anchors.Type)
	}
	for _, y := range g.outputs(n) {
		if y.Type != Float32 {
			return fmt.Errorf("%s results", y.Type)
		}
	}
	return perTensor(boxes, scores, anchors)
}

// detectionShapes also checks the counts, which are foreign.
func detectionShapes(g *Graph, n *Node) ([]Shape, error) {
	op := n.Op.(DetectionPostProcess)
	boxes, scores, anchors := g.Input(n, 0).Shape, g.Input(n, 1).Shape, g.Input(n, 2).Shape
	if len(boxes) != 3 || boxes[0] != 1 || boxes[2] < 4 || len(scores) != 3 || scores[0] != 1 || scores[1] != boxes[1] ||
		!anchors.Equal(Shape{boxes[1], 4}) {
		return nil, fmt.Errorf("boxes %s, scores %s and anchors %s do not fit", boxes, scores, anchors)
	}
	if background := scores[2] - op.Classes; op.Classes < 1 || background < 0 || background > 1 {
		return nil, fmt.Errorf("scores of %d classes, want %d or one more", scores[2], op.Classes)
	}
	for _, v := range []int{op.MaxDetections, op.MaxClasses} {
		if v < 1 || v > maxExtent {
			return nil, fmt.Errorf("%d detections of %d classes", op.MaxDetections, op.MaxClasses)
		}
	}
	if op.Regular && op.DetectionsPerClass < 1 {
		return nil, fmt.Errorf("%d detections of a class", op.DetectionsPerClass)
	}
	count := product(op.MaxDetections, op.MaxClasses)
	return []Shape{{1, count, 4}, {1, count}, {1, count}, {1}}, nil
}

func detectionNumbers(g *Graph, n *Node) error {
	op := n.Op.(DetectionPostProcess)
	for _, v := range []float32{op.ScaleY, op.ScaleX, op.ScaleH, op.ScaleW} {
		if !finite(v) || v == 0 {
			return fmt.Errorf("a scale of %v", v)
		}
	}
	if !(op.IOUThreshold > 0 && op.IOUThreshold <= 1) {
		return fmt.Errorf("an overlap of %v, want more than 0 and at most 1", op.IOUThreshold)
	}
	if math.IsNaN(float64(op.ScoreThreshold)) {
		return fmt.Errorf("a score of %v", op.ScoreThreshold)
	}
	return quantised(g, n)
}
