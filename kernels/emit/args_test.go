package emit

import (
	"testing"
	"unsafe"
)

// TestArgsOffsets holds the offsets compiled into code against the struct.
func TestArgsOffsets(t *testing.T) {
	var a Args
	for _, f := range []struct {
		name   string
		offset uintptr
		used   int
	}{
		{"Rows", unsafe.Offsetof(a.Rows), argRows},
		{"Out", unsafe.Offsetof(a.Out), argOut},
		{"Weights", unsafe.Offsetof(a.Weights), argWeights},
		{"Params", unsafe.Offsetof(a.Params), argParams},
		{"Consts", unsafe.Offsetof(a.Consts), argConsts},
		{"Sums", unsafe.Offsetof(a.Sums), argSums},
		{"OutRow", unsafe.Offsetof(a.OutRow), argOutRow},
		{"OutPix", unsafe.Offsetof(a.OutPix), argOutPix},
		{"NRows", unsafe.Offsetof(a.NRows), argNRows},
		{"Big", unsafe.Offsetof(a.Big), argBig},
		{"Small", unsafe.Offsetof(a.Small), argSmall},
		{"Blocks", unsafe.Offsetof(a.Blocks), argBlocks},
		{"Tail", unsafe.Offsetof(a.Tail), argTail},
		{"In", unsafe.Offsetof(a.In), argIn},
		{"InRow", unsafe.Offsetof(a.InRow), argInRow},
		{"InAt", unsafe.Offsetof(a.InAt), argInAt},
		{"Slots", unsafe.Offsetof(a.Slots), argSlots},
		{"In2", unsafe.Offsetof(a.In2), argIn2},
		{"In2Row", unsafe.Offsetof(a.In2Row), argIn2Row},
		{"InPix", unsafe.Offsetof(a.InPix), argInPix},
		{"Prefetch", unsafe.Offsetof(a.Prefetch), argPrefetch},
		{"PrefetchStep", unsafe.Offsetof(a.PrefetchStep), argPrefetchStep},
	} {
		if int(f.offset) != f.used {
			t.Errorf("Args.%s is at %d, code uses %d", f.name, f.offset, f.used)
		}
	}
}

// TestWindowOffsets does so for Window.
func TestWindowOffsets(t *testing.T) {
	var w Window
	if unsafe.Sizeof(w) != WindowBytes {
		t.Errorf("a Window has %d bytes, code uses %d", unsafe.Sizeof(w), WindowBytes)
	}
	for _, f := range []struct {
		name   string
		offset uintptr
		used   int
	}{
		{"In", unsafe.Offsetof(w.In), windowIn},
		{"Out", unsafe.Offsetof(w.Out), windowOut},
		{"Rows", unsafe.Offsetof(w.Rows), windowRows},
		{"Cols", unsafe.Offsetof(w.Cols), windowCols},
		{"Half", unsafe.Offsetof(w.Half), windowHalf},
		{"Below", unsafe.Offsetof(w.Below), windowBelow},
		{"Factor", unsafe.Offsetof(w.Factor), windowFactor},
		{"Left", unsafe.Offsetof(w.Left), windowLeft},
		{"Right", unsafe.Offsetof(w.Right), windowRight},
	} {
		if int(f.offset) != f.used {
			t.Errorf("Window.%s is at %d, code uses %d", f.name, f.offset, f.used)
		}
	}
}

// TestBlendOffsets does so for BlendLine and BlendColumn.
func TestBlendOffsets(t *testing.T) {
	var l BlendLine
	var c BlendColumn
	for _, f := range []struct {
		name   string
		offset uintptr
		used   int
	}{
		{"BlendLine", unsafe.Sizeof(l), BlendLineBytes},
		{"Top", unsafe.Offsetof(l.Top), lineTop},
		{"Bottom", unsafe.Offsetof(l.Bottom), lineBottom},
		{"Out", unsafe.Offsetof(l.Out), lineOut},
		{"TopWeight", unsafe.Offsetof(l.TopWeight), lineTopWeight},
		{"BottomWeight", unsafe.Offsetof(l.BottomWeight), lineBottomWeight},
		{"BlendColumn", unsafe.Sizeof(c), BlendColumnBytes},
		{"Left", unsafe.Offsetof(c.Left), columnLeft},
		{"Right", unsafe.Offsetof(c.Right), columnRight},
		{"LeftWeight", unsafe.Offsetof(c.LeftWeight), columnLeftWeight},
		{"RightWeight", unsafe.Offsetof(c.RightWeight), columnRightWeight},
	} {
		if int(f.offset) != f.used {
			t.Errorf("%s is at %d or has as many bytes, code uses %d", f.name, f.offset, f.used)
		}
	}
}

// TestMoveOffsets does so for MoveLine and MoveRun.
func TestMoveOffsets(t *testing.T) {
	var l MoveLine
	var r MoveRun
	if unsafe.Sizeof(l) != moveLineBytes || unsafe.Offsetof(l.Out) != moveLineOut {
		t.Errorf("a MoveLine has %d bytes, Out at %d", unsafe.Sizeof(l), unsafe.Offsetof(l.Out))
	}
	if unsafe.Sizeof(r) != moveRunBytes || unsafe.Offsetof(r.Out) != moveRunOut {
		t.Errorf("a MoveRun has %d bytes, Out at %d", unsafe.Sizeof(r), unsafe.Offsetof(r.Out))
	}
}
