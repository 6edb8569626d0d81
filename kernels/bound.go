package kernels

import (
	"errors"
	"fmt"
	"slices"

	"qtune/kernels/emit"
	"qtune/kernels/emu"
)

// A Bound is a kernel with its constants and buffers: ready to Run. The work is
// a sequence of phases, each of parts that may run at the same time. Bounds are
// not safe for concurrent use otherwise.
type Bound struct {
	x       *Executable
	p       *Packed
	in, out View
	threads int

	phases [][]part
	args   []emit.Args // of the parts that are calls
	keep   [][]byte    // buffers that args point to, besides the views
	tables [][]uint64  // addresses of input rows
	sums   []int32

	residual *Residual // nil: none
	scratch  [][]byte  // of each thread: results that wait for the addition
	sandbox  *sandbox
}

// A part is calls of programs, or some rows to copy to the scratch.
type part struct {
	copies []rowCopy
	calls  []call
}

// A call is one of a program, and what follows it in the same thread.
type call struct {
	prog  int
	args  int // index into Bound.args
	after []Part
}

// Bind joins code, constants and buffers. in is [N][H][W][C], out
// [N][OH][OW][O] of the kernel's workload. The work of each phase is cut so that
// threads threads have equal shares, as far as it can be.
func (x *Executable) Bind(p *Packed, in, out View, threads int) (*Bound, error) {
	return x.bind(&Bound{x: x, p: p, in: in, out: out, threads: max(threads, 1)})
}

// bind completes b.
func (x *Executable) bind(b *Bound) (*Bound, error) {
	k := x.kernel
	err := b.checkInput()
	if err == nil {
		err = b.checkOutputs()
	}
	if err == nil {
		err = k.plan.bind(b)
	}
	if err != nil {
		return nil, fmt.Errorf("binding %s, schedule %q: %w", k.Workload, k.Schedule, err)
	}
	if b.sandbox = x.code.newSandbox(); b.sandbox != nil {
		if err := b.showMemory(); err != nil {
			return nil, fmt.Errorf("binding %s, schedule %q: %w", k.Workload, k.Schedule, err)
		}
	}
	return b, nil
}

// check refuses a view that does not hold a tensor of the workload's batch.
func (b *Bound) check(name string, v View, h, width, c int) error {
	n := b.x.kernel.Workload.N
	last := v.Offset + (n-1)*v.ImageStride + (h-1)*v.RowStride + (width-1)*v.PixelStride + c
	if v.Offset < 0 || v.PixelStride < c || v.RowStride < 0 || v.ImageStride < 0 || last > len(v.Data) {
		return fmt.Errorf("%s view of %d bytes does not hold %dx%dx%dx%d", name, len(v.Data), n, h, width, c)
	}
	return nil
}

func (b *Bound) checkInput() error {
	w := b.x.kernel.Workload
	return b.check("input", b.in, w.H, w.W, w.C)
}

// checkOutputs checks the output and the residual.
func (b *Bound) checkOutputs() error {
	k, w := b.x.kernel, b.x.kernel.Workload
	outputs := map[string]View{"output": b.out}
	if b.residual != nil {
		outputs["residual"] = b.residual.View
	}
	oh, ow := w.OH(), w.OW()
	for name, v := range outputs {
		if err := b.check(name, v, oh, ow, w.O); err != nil {
			return err
		}
		if k.plan.flat() && (oh > 1 && v.RowStride != ow*v.PixelStride || w.N > 1 && v.ImageStride != oh*ow*v.PixelStride) {
			return fmt.Errorf("form=flat needs an %s without gaps between rows", name)
		}
	}
	if k.plan.densePixels() && b.out.PixelStride != w.O {
		return errors.New("form=flat needs an output without gaps between pixels")
	}
	return nil
}

// phase starts a phase: parts added from now on wait for all before.
func (b *Bound) phase() { b.phases = append(b.phases, nil) }

// part starts a part of the current phase: calls added from now on follow each
// other, at the same time as those of other parts.
func (b *Bound) part() {
	last := len(b.phases) - 1
	b.phases[last] = append(b.phases[last], part{})
}

// lastPart is the one that calls are added to.
func (b *Bound) lastPart() *part {
	parts := b.phases[len(b.phases)-1]
	return &parts[len(parts)-1]
}

// call adds a call to the current part.
func (b *Bound) call(prog int, args emit.Args, after ...Part) {
	p := b.lastPart()
	p.calls = append(p.calls, call{prog, len(b.args), after})
	b.args = append(b.args, args)
}

// copy adds a phase of copies.
func (b *Bound) copy(rows []rowCopy) {
	b.phase()
	last := len(b.phases) - 1
	for _, c := range chunksOf(len(rows), b.threads) {
		b.phases[last] = append(b.phases[last], part{copies: rows[c.at : c.at+c.n]})
	}
}

// showMemory shows the emulator exactly the buffers that the kernel may touch.
func (b *Bound) showMemory() error {
	s := b.sandbox
	show(s, "input", b.in.Data, emu.Read)
	show(s, "output", b.out.Data, emu.Read|emu.Write)
	show(s, "weights", b.p.weights, emu.Read)
	show(s, "block constants", b.p.blocks, emu.Read)
	show(s, "constants", b.p.consts, emu.Read)
	show(s, "prepare constants", b.p.prepare, emu.Read)
	for _, k := range b.keep {
		show(s, "scratch", k, emu.Read|emu.Write)
	}
	show(s, "window sums", b.sums, emu.Read|emu.Write)
	for _, t := range b.tables {
		show(s, "row table", t, emu.Read)
	}
	show(s, "arguments", b.args, emu.Read|emu.Write)
	return errors.Join(s.errs...)
}

// Run computes the whole layer. An error is a fault of the kernel found by the
// emulator; natively it does not return one.
func (b *Bound) Run() error {
	for _, parts := range b.phases {
		for i := range parts {
			if err := b.run(&parts[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Phases returns the same work in parts: those of a phase may run at the same
// time, once all of the phases before are done.
func (b *Bound) Phases() [][]Part {
	phases := make([][]Part, len(b.phases))
	for i, parts := range b.phases {
		if b.residual != nil && i == len(b.phases)-1 {
			phases[i] = b.scratchParts(parts)
			continue
		}
		for k := range parts {
			p := &parts[k]
			phases[i] = append(phases[i], func() error { return b.run(p) })
		}
	}
	return phases
}

// scratchParts makes one Part of all those that use one scratch: those of a
// thread.
func (b *Bound) scratchParts(parts []part) []Part {
	var all []Part
	for thread := range b.scratch {
		first, end := OwnParts(len(parts), b.threads, thread)
		all = append(all, func() error {
			for i := first; i < end; i++ {
				if err := b.run(&parts[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return all
}

func (b *Bound) run(p *part) error {
	for i := range p.copies {
		p.copies[i].run()
	}
	for i := range p.calls {
		c := &p.calls[i]
		if err := b.x.code.call(c.prog, &b.args[c.args], b.sandbox); err != nil {
			k := b.x.kernel
			return fmt.Errorf("%s, schedule %q, %s: %w", k.Workload, k.Schedule, k.ISA, err)
		}
		for _, f := range c.after {
			if err := f(); err != nil {
				return err
			}
		}
	}
	return nil
}

// withConstants returns b on other constants of the same kernel. The two share
// all buffers.
func (b *Bound) withConstants(p *Packed) *Bound {
	c := *b
	c.p = p
	c.args = slices.Clone(b.args)
	move := func(addr *uintptr, from, to []byte) bool {
		off := *addr - addressOf(from, 0)
		if len(from) == 0 || off >= uintptr(len(from)) {
			return false
		}
		*addr = addressOf(to, 0) + off
		return true
	}
	for i := range c.args {
		a := &c.args[i]
		move(&a.Weights, b.p.weights, p.weights)
		move(&a.Params, b.p.blocks, p.blocks)
		if !move(&a.Consts, b.p.consts, p.consts) {
			move(&a.Consts, b.p.prepare, p.prepare)
		}
	}
	return &c
}
