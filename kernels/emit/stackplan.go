package emit

import (
	"qtune/kernels/x86"
	"qtune/schedules"
)

// A StackPlan says how the rows are made that the program of form=stack reads: for
// each output row, the KH input rows under it become one of KH*C channels,
//
//	stacked[x][ky][c] = input[y*StrideH + ky*DilationH][x][c]
//
// so that a window is one run of KW*KH*C elements. Columns are made in groups: all
// parts of 128 bits of a vector get the same 16 bytes of an input row, of which
// shuffles send those of Group columns to their places in the result.
type StackPlan struct {
	Columns  int // of an input row, as far as windows reach
	Group    int // columns of a group
	Groups   int // that fit one after the other; one more ends with Columns
	Vectors  int // that a group becomes
	RowBytes int // from a stacked row to the next
	Rows     int // that a call makes at most: the first cache holds them

	SumPixels int // output pixels whose windows are summed at once; 0 if none are
	SumWidth  int // bytes of a window that are added at once

	Width  int    // of vectors
	Consts Layout // constants of the program

	groupBytes   int       // of the result of a group
	elementBytes int       // of the result
	plan         *ConvPlan // of which this is a part
}

// Fields of a StackPlan's constants, each of some vectors.
const (
	FieldOnes         = "ones"          // for whole vectors of a window
	FieldTailOnes     = "tail ones"     // for the last, where it is none
	FieldShuffles     = "shuffles"      // of a group
	FieldLastShuffles = "last shuffles" // of the last group
)

// stackMemory bounds the rows of a call.
const stackMemory = 16 << 10

// planStack plans the rows of p, whose window it has seen.
func planStack(p *ConvPlan) *StackPlan {
	w := p.Workload
	s := &StackPlan{
		Columns: (w.OW()-1)*w.StrideW + (w.KW-1)*w.DilationW + 1,
		Group:   schedules.StackLoad / w.C,
		Width:   int(p.width()), elementBytes: p.ElementBytes, plan: p,
	}
	s.groupBytes = s.Group * p.PixelBytes
	s.Groups = min((s.Columns*w.C-schedules.StackLoad)/(s.Group*w.C)+1, s.Columns/s.Group)
	s.Vectors = (s.groupBytes + s.Width - 1) / s.Width
	s.RowBytes = (s.Columns*p.PixelBytes + 63) &^ 63
	s.Rows = max(1, min(stackMemory/s.RowBytes, w.OH()))
	if p.Sums {
		s.planSums()
		s.Consts.add(fieldWindow, s.Width)
		s.Consts.add(FieldOnes, s.Width)
		s.Consts.add(FieldTailOnes, s.Width)
	}
	s.Consts.add(FieldShuffles, s.Shuffles()*s.Width)
	if s.rest() {
		s.Consts.add(FieldLastShuffles, s.Shuffles()*s.Width)
	}
	return s
}

// planSums takes the narrowest vector that holds a segment, or else the widest
// there is. Two of half a vector are summed at once.
func (s *StackPlan) planSums() {
	s.SumPixels, s.SumWidth = 4, s.Width
	for s.SumWidth > 16 && s.plan.SegmentElements <= s.SumWidth/2 {
		s.SumWidth /= 2
	}
	if s.Width == int(x86.W512) && s.SumWidth == s.Width/2 {
		s.SumPixels = 8
	}
}

// TailOnes is how many ones there are in the last vector of a segment.
func (s *StackPlan) TailOnes() int { return (s.plan.SegmentElements-1)%s.SumWidth + 1 }

// sumRounds is how often SumPixels are summed in a row, the last time perhaps
// beyond it.
func (s *StackPlan) sumRounds() int {
	if s.SumPixels == 0 {
		return 0
	}
	return (s.plan.Row + s.SumPixels - 1) / s.SumPixels
}

// SumBytes is the size of the window sums of a call.
func (s *StackPlan) SumBytes() int {
	return 4 * max(0, (s.Rows-1)*s.plan.Row+s.sumRounds()*s.SumPixels)
}

// Bytes is the size of the rows of a call, and of what is written and read beyond
// the last of them.
func (s *StackPlan) Bytes() int {
	p := s.plan
	written := (s.Columns-s.Group)*p.PixelBytes + s.Vectors*s.Width
	if s.SumPixels == 0 {
		return (s.Rows-1)*s.RowBytes + max(written, s.RowBytes)
	}
	pixel := (s.sumRounds()*s.SumPixels-1)*p.Window.StrideW + (p.SegmentsX-1)*p.Window.DilationW
	read := pixel*p.PixelBytes + (p.SegmentElements+s.SumWidth-1)/s.SumWidth*s.SumWidth
	return (s.Rows-1)*s.RowBytes + max(written, read, s.RowBytes)
}

// Shuffles is how many a group takes: for vector 0 one for each row of the window,
// then those for vector 1.
func (s *StackPlan) Shuffles() int { return s.Vectors * s.plan.Workload.KH }

// Shuffle fills shuffle n: for each byte of the vector its place in what was loaded
// of the row, or 0x80 for zero.
func (s *StackPlan) Shuffle(dst []byte, n int, last bool) {
	w := s.plan.Workload
	vector, row := n/w.KH, n%w.KH
	for i := range dst {
		dst[i] = 0x80
		at := vector*s.Width + i
		if at >= s.groupBytes || at%s.elementBytes != 0 {
			continue
		}
		at /= s.elementBytes
		if at/w.C%w.KH == row {
			dst[i] = byte(at/(w.KH*w.C)*w.C + at%w.C)
			if last {
				dst[i] += byte(s.shift())
			}
		}
	}
}

// shift is how much longer a load is than a group: the last one begins earlier, to
// end with the row.
func (s *StackPlan) shift() int { return schedules.StackLoad - s.Group*s.plan.Workload.C }

// rest tells whether columns are left after the Groups.
func (s *StackPlan) rest() bool { return s.Groups*s.Group < s.Columns }
