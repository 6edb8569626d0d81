package kernels

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"qtune/kernels/emit"
	"qtune/kernels/emu"
	"qtune/kernels/exec"
	"qtune/schedules"
)

// Mode says what executes a kernel.
type Mode uint8

// Native runs machine code on this CPU, Emulated interprets the program with
// bounds-checked memory on any host.
const (
	Native Mode = iota
	Emulated
)

// An Executable is a kernel's code ready to be called.
type Executable struct {
	kernel *Kernel
	code   callables
}

// Load makes k callable. Native fails where the CPU lacks k.ISA.
func Load(k *Kernel, m Mode) (*Executable, error) {
	code, err := loadPrograms(m, k.ISA, k.programs, k.code)
	if err != nil {
		return nil, fmt.Errorf("%s, schedule %q: %w", k.Workload, k.Schedule, err)
	}
	return &Executable{k, code}, nil
}

// Close releases the code's memory; Bounds of it must not run any more.
func (x *Executable) Close() error { return x.code.close() }

// A Bound is a kernel with its constants and buffers: ready to Run. It is not
// safe for concurrent use.
type Bound struct {
	x *Executable

	copies []rowCopy   // into the scratch, before any call
	calls  []int       // the programs to call, in order
	args   []emit.Args // their argument blocks
	keep   [][]byte    // buffers that args point to, besides the views
	table  []uint64    // addresses of input rows
	sums   []int32
	p      *Packed

	in, out View
	sandbox *sandbox
}

// A rowCopy moves one input row to the scratch.
type rowCopy struct {
	dst, src         []byte
	pixels, channels int
	stride, repeat   int // bytes from source pixel to pixel; copies of each channel
}

// Bind joins code, constants and buffers. in is [N][H][W][C], out
// [N][OH][OW][O] of the kernel's workload.
func (x *Executable) Bind(p *Packed, in, out View) (*Bound, error) {
	k := x.kernel
	if err := k.checkViews(in, out); err != nil {
		return nil, fmt.Errorf("binding %s, schedule %q: %w", k.Workload, k.Schedule, err)
	}
	b := k.plan.bind(p, in, out)
	b.x, b.p, b.in, b.out = x, p, in, out
	if b.sandbox = x.code.newSandbox(); b.sandbox != nil {
		if err := b.showMemory(); err != nil {
			return nil, fmt.Errorf("binding %s, schedule %q: %w", k.Workload, k.Schedule, err)
		}
	}
	return b, nil
}

// checkViews refuses views that do not hold the workload's tensors.
func (k *Kernel) checkViews(in, out View) error {
	w := k.Workload
	check := func(name string, v View, h, width, c int) error {
		last := v.Offset + (w.N-1)*v.ImageStride + (h-1)*v.RowStride + (width-1)*v.PixelStride + c
		if v.Offset < 0 || v.PixelStride < c || v.RowStride < 0 || v.ImageStride < 0 || last > len(v.Data) {
			return fmt.Errorf("%s view of %d bytes does not hold %dx%dx%dx%d", name, len(v.Data), w.N, h, width, c)
		}
		return nil
	}
	if err := check("input", in, w.H, w.W, w.C); err != nil {
		return err
	}
	if err := check("output", out, w.OH(), w.OW(), w.O); err != nil {
		return err
	}
	oh, ow := w.OH(), w.OW()
	if k.plan.flat() && (oh > 1 && out.RowStride != ow*out.PixelStride || w.N > 1 && out.ImageStride != oh*ow*out.PixelStride) {
		return errors.New("form=flat needs an output without gaps between rows")
	}
	if k.plan.densePixels() && out.PixelStride != w.O {
		return errors.New("form=flat needs an output without gaps between pixels")
	}
	return nil
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
	show(s, "row table", b.table, emu.Read)
	show(s, "arguments", b.args, emu.Read|emu.Write)
	return errors.Join(s.errs...)
}

// Run computes the whole layer. An error is a fault of the kernel found by the
// emulator; natively it does not return one.
func (b *Bound) Run() error {
	for i := range b.copies {
		b.copies[i].run()
	}
	for i, prog := range b.calls {
		if err := b.x.code.call(prog, &b.args[i], b.sandbox); err != nil {
			k := b.x.kernel
			return fmt.Errorf("%s, schedule %q, %s: %w", k.Workload, k.Schedule, k.ISA, err)
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

func (c *rowCopy) run() {
	per := len(c.dst) / c.pixels
	if per == c.channels && c.stride == c.channels {
		copy(c.dst, c.src)
		return
	}
	for p := range c.pixels {
		dst, src := c.dst[p*per:][:per], c.src[p*c.stride:][:c.channels]
		if c.repeat == 1 {
			copy(dst, src)
			continue
		}
		for i, v := range src {
			for j := range c.repeat {
				dst[i*c.repeat+j] = v
			}
		}
	}
}

func addressOf(b []byte, at int) uintptr {
	if len(b) == 0 {
		return 0
	}
	return uintptr(unsafe.Pointer(unsafe.SliceData(b))) + uintptr(at)
}

// SupportedISAs lists the instruction sets with generated code that this CPU
// executes, fastest first.
func SupportedISAs() []schedules.ISA {
	var isas []schedules.ISA
	for _, isa := range schedules.ISAs() {
		if exec.Supports(emit.InstructionSet(isa)) {
			isas = append(isas, isa)
		}
	}
	return isas
}
