package tflite

import (
	"fmt"

	"qtune/qnn"
	"qtune/qnn/tflite/fb"
	"qtune/qnn/tflite/flex"
)

// readCustom returns the custom operator of a name, or why it is not supported.
func readCustom(name string, op *fb.Operator) (qnn.Op, error) {
	if name != (qnn.DetectionPostProcess{}).OpName() {
		return nil, fmt.Errorf("this custom operator is not known")
	}
	o, err := flex.Numbers(op.CustomOptionsBytes())
	if err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	for _, key := range []string{"max_detections", "max_classes_per_detection", "num_classes", "nms_score_threshold",
		"nms_iou_threshold", "y_scale", "x_scale", "h_scale", "w_scale"} {
		if _, ok := o[key]; !ok {
			return nil, fmt.Errorf("options without %s", key)
		}
	}
	perClass, given := o["detections_per_class"]
	if !given {
		perClass = 100 // TensorFlow Lite's default
	}
	return qnn.DetectionPostProcess{
		MaxDetections: count(o["max_detections"]), MaxClasses: count(o["max_classes_per_detection"]),
		DetectionsPerClass: count(perClass), Classes: count(o["num_classes"]), Regular: o["use_regular_nms"] != 0,
		ScoreThreshold: float32(o["nms_score_threshold"]), IOUThreshold: float32(o["nms_iou_threshold"]),
		ScaleY: float32(o["y_scale"]), ScaleX: float32(o["x_scale"]), ScaleH: float32(o["h_scale"]), ScaleW: float32(o["w_scale"]),
	}, nil
}

// count is a number of things; what is none is -1.
func count(v float64) int {
	if v >= 0 && v <= 1<<30 {
		return int(v)
	}
	return -1
}

// customOptions returns the options of a custom operator; none for others.
func customOptions(op qnn.Op) []byte {
	d, ok := op.(qnn.DetectionPostProcess)
	if !ok {
		return nil
	}
	regular := 0
	if d.Regular {
		regular = 1
	}
	return flex.Write(map[string]int{
		"max_detections": d.MaxDetections, "max_classes_per_detection": d.MaxClasses,
		"detections_per_class": d.DetectionsPerClass, "num_classes": d.Classes, "use_regular_nms": regular,
	}, map[string]float32{
		"nms_score_threshold": d.ScoreThreshold, "nms_iou_threshold": d.IOUThreshold,
		"y_scale": d.ScaleY, "x_scale": d.ScaleX, "h_scale": d.ScaleH, "w_scale": d.ScaleW,
	})
}
