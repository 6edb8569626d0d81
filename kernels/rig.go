package kernels

import "qtune/qnn"

// A Rig is a kernel on buffers of its own, for checking and timing it outside
// of a network.
type Rig struct {
	kernel  *Kernel
	x       *Executable
	in, out View
	bounds  []*Bound
	next    int
}

// NewRig packs l for k and allocates input and output as a network would
// (with the halo that k asks for), and copies sets of constants that Run
// rotates through (where m is Native).
func NewRig(k *Kernel, l *qnn.Layer, m Mode, copies int) (*Rig, error) {
	return newRig(nil, k, l, m, copies, 1)
}

// NewRig is the function of that name, with buffers in m. What they held before
// does not show.
func (m *Memory) NewRig(k *Kernel, l *qnn.Layer, mode Mode, copies int) (*Rig, error) {
	return newRig(m, k, l, mode, copies, 1)
}

// newRig is NewRig with the work cut for several threads, though Run is one.
func newRig(mem *Memory, k *Kernel, l *qnn.Layer, m Mode, copies, threads int) (*Rig, error) {
	p, err := k.Pack(l)
	if err != nil {
		return nil, err
	}
	x, err := Load(k, m)
	if err != nil {
		return nil, err
	}
	w := k.Workload
	r := &Rig{kernel: k, x: x,
		in:  newView(mem, w.N, w.H, w.W, w.C, k.InputHalo(), byte(l.InputZero)),
		out: newView(mem, w.N, w.OH(), w.OW(), w.O, Halo{}, 0),
	}
	b, err := x.Bind(p, r.in, r.out, threads)
	if err != nil {
		return nil, err
	}
	r.bounds = append(r.bounds, b)
	for m == Native && len(r.bounds) < copies {
		r.bounds = append(r.bounds, b.withConstants(p.clone(mem)))
	}
	return r, nil
}

// SetInput stores x, dense [N][H][W][C], into the input view.
func (r *Rig) SetInput(x []byte) {
	w := r.kernel.Workload
	r.in.Write(x, w.N, w.H, w.W, w.C)
}

// Run computes the layer with the next set of constants.
func (r *Rig) Run() error {
	b := r.bounds[r.next]
	if r.next++; r.next == len(r.bounds) {
		r.next = 0
	}
	return b.Run()
}

// Output returns the output as dense [N][OH][OW][O].
func (r *Rig) Output() []byte {
	w := r.kernel.Workload
	return r.out.Read(w.N, w.OH(), w.OW(), w.O)
}

// Close releases the rig's memory.
func (r *Rig) Close() error { return r.x.Close() }
