package pack

import (
	"qtune/kernels/emit"
	"qtune/qnn"
	"qtune/schedules"
)

// stackedRows turns weights [OC][KH][KW][C] of elements of so many bytes to
// [OC][KW][KH][C], the order of stacked input rows.
func stackedRows(w *schedules.Workload, rows []byte, elementBytes int) []byte {
	c := w.C * elementBytes
	stacked := make([]byte, 0, len(rows))
	for len(stacked) < len(rows) {
		channel := rows[len(stacked):][:w.KH*w.KW*c]
		for kx := range w.KW {
			for ky := range w.KH {
				stacked = append(stacked, channel[(ky*w.KW+kx)*c:][:c]...)
			}
		}
	}
	return stacked
}

// Stack returns the constants of emit.Stack.
func Stack(p *emit.ConvPlan, l *qnn.Layer) []byte {
	s := p.Stack
	dst := Aligned(s.Consts.Bytes)
	for _, f := range s.Consts.Fields {
		field := dst[f.Offset:][:f.Bytes]
		switch f.Name {
		case emit.FieldOnes:
			fill8(field, 1)
		case emit.FieldTailOnes:
			for at := 0; at < len(field); at += s.SumWidth {
				fill8(field[at:][:s.TailOnes()], 1)
			}
		case emit.FieldShuffles, emit.FieldLastShuffles:
			for n := range s.Shuffles() {
				s.Shuffle(field[n*s.Width:][:s.Width], n, f.Name == emit.FieldLastShuffles)
			}
		default:
			fill32(field, uint32(weightOffset(p, l)-l.WeightZero))
		}
	}
	return dst
}
