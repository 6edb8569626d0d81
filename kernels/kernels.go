// Package kernels turns a Workload, a Schedule and an instruction set into a
// Kernel: machine code, with the layout that its constants and buffers must
// have. A Kernel's bytes are a function of those three alone; a layer's numbers
// enter through Pack, its buffers through Bind.
//
//	k, err := kernels.Build(w, s, isa)      // plan and code
//	x, err := kernels.Load(k, kernels.Native) // or kernels.Emulated, on any host
//	p, err := k.Pack(layer)                 // weights, bias, multipliers
//	b, err := x.Bind(p, in, out)            // addresses
//	err = b.Run()                           // the whole layer
//
// All kernels read and write uint8 activations; int8 networks arrive here
// legalised (see qnn/pass).
package kernels

import (
	"errors"

	"qtune/qnn"
	"qtune/schedules"
)

// A View is a tensor [N][H][W][C] of bytes inside a larger buffer.
type View struct {
	Data                                []byte
	Offset                              int // of cell (0,0,0,0) in Data
	ImageStride, RowStride, PixelStride int // bytes
	Halo                                Halo
}

// A Halo is the border of readable cells around each image of a View. They
// hold the tensor's zero point where a kernel asks for them.
type Halo struct{ Top, Left, Bottom, Right int }

// Mode says what executes a kernel.
type Mode uint8

// Native runs machine code on this CPU, Emulated interprets the program with
// bounds-checked memory on any host.
const (
	Native Mode = iota
	Emulated
)

// A Kernel is generated code for one workload. It is immutable.
type Kernel struct {
	Workload schedules.Workload
	Schedule schedules.Schedule
	ISA      schedules.ISA
}

var errTodo = errors.New("kernels: not built yet")

// Build plans and generates the code of w under s. A schedule that is not in
// the space of w is an error.
func Build(w schedules.Workload, s schedules.Schedule, isa schedules.ISA) (*Kernel, error) {
	return nil, errTodo
}

// CodeHash identifies the code's bytes: 16 hexadecimal digits.
func (k *Kernel) CodeHash() string { return "" }

// InputHalo is the border that the kernel reads from its input view. Zero
// unless the schedule says pad=halo. Bind copies where the view lacks it.
func (k *Kernel) InputHalo() Halo { return Halo{} }

// ContiguousInput and ContiguousOutput: the kernel treats all pixels of an
// image as one row (form=flat), and so needs views without gaps.
func (k *Kernel) ContiguousInput() bool  { return false }
func (k *Kernel) ContiguousOutput() bool { return false }

// Dump writes the plan and the assembly.
func (k *Kernel) Dump() string { return "" }

// Packed holds a layer's numbers in the layout of one kernel's code.
type Packed struct{}

// Pack lays out the numbers of l, which must be of the kernel's workload.
func (k *Kernel) Pack(l *qnn.Layer) (*Packed, error) { return nil, errTodo }

// Clone copies p to memory of its own (for measuring with cold weights).
func (p *Packed) Clone() *Packed { return p }

// Bytes is the memory that p occupies.
func (p *Packed) Bytes() int { return 0 }

// An Executable is a kernel's code ready to be called.
type Executable struct{}

// Load makes k callable. Native fails where the CPU lacks k.ISA.
func Load(k *Kernel, m Mode) (*Executable, error) { return nil, errTodo }

// Close releases the code's memory; Bounds of it must not run any more.
func (x *Executable) Close() error { return nil }

// A Bound is a kernel with its constants and buffers: ready to Run. It is not
// safe for concurrent use.
type Bound struct{}

// Bind joins code, constants and buffers.
func (x *Executable) Bind(p *Packed, in, out View) (*Bound, error) { return nil, errTodo }

// Run computes the whole layer. An error is a fault of the kernel found by the
// emulator; natively it does not return one.
func (b *Bound) Run() error { return errTodo }

// A Rig is a kernel on buffers of its own, for checking and timing it outside
// of a network.
type Rig struct{}

// NewRig packs l for k and allocates input and output as a network would
// (with the halo that k asks for), and copies sets of constants that Run
// rotates through.
func NewRig(k *Kernel, l *qnn.Layer, m Mode, copies int) (*Rig, error) { return nil, errTodo }

// SetInput stores x, dense [N][H][W][C], into the input view.
func (r *Rig) SetInput(x []byte) {}

// Run computes the layer with the next set of constants.
func (r *Rig) Run() error { return errTodo }

// Output returns the output as dense [N][OH][OW][OC].
func (r *Rig) Output() []byte { return nil }

// Close releases the rig's memory.
func (r *Rig) Close() error { return nil }
