package pack

import (
	"encoding/binary"
	"fmt"
	"testing"

	"qtune/kernels/emit"
	"qtune/qnn"
	"qtune/schedules"
)

// TestSpill adds up what the weights and the spill of each block hold for each byte
// of input: the weights of the layer, and never so much in a group of steps that a
// sum of products could leave 16 bits.
func TestSpill(t *testing.T) {
	for _, shape := range []string{
		"conv2d n1 h5 w7 c5 k3x3 o21 s1x1 d1x1 p0,0,0,0 wz=%d perch=0 round=double sign=0 mult=lt1%s",
		"conv2d n1 h5 w7 c18 k1x1 o40 s1x1 d1x1 p0,0,0,0 wz=%d perch=0 round=double sign=0 mult=lt1%s",
		"conv2d n1 h5 w9 c6 k2x3 o9 s1x1 d2x2 p0,0,0,0 wz=%d perch=0 round=double sign=0 mult=lt1%s",
		"dense n2 c67 o33 wz=%d perch=0 round=double sign=0 mult=lt1%s",
	} {
		for _, class := range []string{"", " sat=some", " sat=rare"} {
			for zero := range 2 {
				w, err := schedules.ParseWorkload(fmt.Sprintf(shape, zero, class))
				if err != nil {
					t.Fatal(err)
				}
				for _, depth := range []int{1, 2, 4} {
					for seed := range uint64(4) {
						checkSpill(t, w, depth, w.Layer(seed))
					}
				}
			}
		}
	}
}

func checkSpill(t *testing.T, w schedules.Workload, depth int, l *qnn.Layer) {
	t.Helper()
	s, err := schedules.ParseSchedule(fmt.Sprintf("mr=1 nv=2 u=4 order=cyx op=reg pad=copy st=pack split=y dot=u8x%d", depth))
	if err != nil {
		t.Fatal(err)
	}
	p := emit.PlanConv(w, s, schedules.AVX2)
	weights, blocks, _ := Conv(p, l)
	c := &collector{plan: p, sums: make(map[[3]int]int32), t: t}
	field, _ := p.Block.Find("spill")
	for b := range p.Blocks() {
		c.channels = blockChannels(p, b)
		main := weights[b*p.BlockWeightBytes(p.NV):]
		spill := main[binary.LittleEndian.Uint64(blocks[b*p.NV*p.Block.Bytes+field:]):]
		c.readBlock(main)
		c.readSpill(spill)
	}
	for oc := range w.O {
		for ky := range w.KH {
			for i := range w.KW * w.C {
				want := int32(l.Weights[(oc*w.KH+ky)*w.KW*w.C+i]) - l.WeightZero
				if l.WeightSigned {
					want = int32(int8(l.Weights[(oc*w.KH+ky)*w.KW*w.C+i]))
				}
				at := i%w.C + i/w.C*w.DilationW*w.C // of the input's row
				if got := c.sums[[3]int{oc, 8 * ky * w.DilationH, at}]; got != want {
					t.Fatalf("%s, depth %d: weight %d of row %d of channel %d is %d, want %d", w, depth, i, ky, oc, got, want)
				}
			}
		}
	}
}

// A collector adds up the weights of a channel for a byte of a row of the table.
type collector struct {
	t        *testing.T
	plan     *emit.ConvPlan
	channels []int
	sums     map[[3]int]int32
}

func (c *collector) readBlock(data []byte) {
	p := c.plan
	for ky := range p.Workload.KH {
		for kx := range p.SegmentsX {
			for first := 0; first < p.Steps; first += p.Depth {
				var offsets [][2]int
				for k := first; k < min(first+p.Depth, p.Steps); k++ {
					offsets = append(offsets, [2]int{8 * ky * p.Workload.DilationH, kx*p.Workload.DilationW*p.PixelBytes + p.StepOffset(k)})
				}
				data = c.readGroup(offsets, data)
			}
		}
	}
}

func (c *collector) readSpill(data []byte) {
	p := c.plan
	n := binary.LittleEndian.Uint64(data)
	data = data[emit.SpillAlign:]
	for range n {
		var offsets [][2]int
		for i := range p.Depth {
			offsets = append(offsets, [2]int{int(binary.LittleEndian.Uint64(data[16*i:])), int(binary.LittleEndian.Uint64(data[16*i+8:]))})
		}
		data = c.readGroup(offsets, data[p.SpillOffsets():])
	}
}

// readGroup adds a group of steps, and returns what follows.
func (c *collector) readGroup(offsets [][2]int, data []byte) []byte {
	step := 4 * len(c.channels)
	for lane, oc := range c.channels {
		for half := 0; half < 4; half += 2 {
			positive, negative := int32(0), int32(0)
			for i, off := range offsets {
				for j := half; j < half+2; j++ {
					w := int32(int8(data[i*step+4*lane+j]))
					positive += max(w, 0)
					negative -= min(w, 0)
					if oc >= 0 {
						c.sums[[3]int{oc, off[0], off[1] + j}] += w
					}
				}
			}
			if 255*positive > 1<<15-1 || 255*negative > 1<<15 {
				c.t.Fatalf("%s: weights of a sum are %d and -%d", c.plan.Workload, positive, negative)
			}
		}
	}
	return data[len(offsets)*step:]
}
