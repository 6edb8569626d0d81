package flex

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What "flatc --binary --flexbuffers" made of options.json and other.json, in
// the narrowest widths. Texts, vectors and nulls are skipped.
func TestNumbersOfFlatc(t *testing.T) {
	for name, want := range map[string]map[string]float64{
		"options.bin": {
			"max_detections": 10, "max_classes_per_detection": 1, "detections_per_class": 100, "use_regular_nms": 0,
			"nms_score_threshold": 0.25, "nms_iou_threshold": float64(float32(0.6)), "num_classes": 90,
			"y_scale": 10, "x_scale": 10, "h_scale": 5, "w_scale": 5,
		},
		"other.bin": {"big": -70000, "huge": 5e9, "yes": 1},
	} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Numbers(b); err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: got %v (%v), want %v", name, got, err, want)
		}
	}
}

// The format's own tool reads what Write wrote.
func TestFlatcReadsWrite(t *testing.T) {
	flatc, err := exec.LookPath("flatc")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	b := Write(map[string]int{"max_detections": 10, "negative": -7}, map[string]float32{"y_scale": 2.5, "a": 0.25})
	if err := os.WriteFile(filepath.Join(dir, "o.bin"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(flatc, "--json", "--strict-json", "--flexbuffers", "-o", dir, filepath.Join(dir, "o.bin")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, err := os.ReadFile(filepath.Join(dir, "o.json"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{ "a": 0.25, "max_detections": 10, "negative": -7, "y_scale": 2.5 }`; strings.TrimSpace(string(got)) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
