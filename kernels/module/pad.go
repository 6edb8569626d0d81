package module

import (
	"qtune/kernels"
	"qtune/qnn"
)

// A padding is PAD of the rows and columns of an image, for those that no
// convolution took in.
type padding struct {
	x, y      qnn.TensorID
	top, left int // rows and pixels before the image
	in, out   qnn.Shape
	zero      byte
}

// padOperator copies rows and fills what is around them.
func padOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	p := padding{x: n.Inputs[0], y: n.Outputs[0]}
	p.in, p.out = m.graph.Tensors[p.x].Shape, m.graph.Tensors[p.y].Shape
	if len(p.in) != 4 || !m.graph.Output(n, 0).Type.Is8Bit() {
		return o, false, nil
	}
	cells, err := m.graph.Paddings(n)
	if err != nil {
		return o, false, err
	}
	if cells[0] != [2]int{} || cells[3] != [2]int{} {
		return o, false, nil
	}
	p.top, p.left = cells[1][0], cells[2][0]
	p.zero = byte(m.graph.Output(n, 0).Quant.Zero[0])
	return operator{reads: gapRows, writes: gapRows, bind: p.bind}, true, nil
}

// bind deals the rows of the result out to the threads.
func (p padding) bind(mem *memory, threads int) ([][]kernels.Part, error) {
	from, to := mem.view(p.x), mem.view(p.y)
	rows := p.out[0] * p.out[1]
	var parts []kernels.Part
	n := min(threads, rows)
	for i := range n {
		first, end := i*rows/n, (i+1)*rows/n
		parts = append(parts, func() error {
			for r := first; r < end; r++ {
				p.row(from, to, r/p.out[1], r%p.out[1])
			}
			return nil
		})
	}
	return [][]kernels.Part{parts}, nil
}

// row makes row y of an image.
func (p padding) row(from, to kernels.View, image, y int) {
	w, c := p.out[2], p.out[3]
	row := to.Row(image, y, w, c)
	if y < p.top || y >= p.top+p.in[1] {
		fill(row, p.zero)
		return
	}
	inside := from.Row(image, y-p.top, p.in[2], c)
	fill(row[:p.left*c], p.zero)
	copy(row[p.left*c:], inside)
	fill(row[p.left*c+len(inside):], p.zero)
}
