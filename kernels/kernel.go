package kernels

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"qtune/kernels/emit"
	"qtune/kernels/pack"
	"qtune/kernels/x86"
	"qtune/qnn"
	"qtune/schedules"
)

// Generator is the version of the code generator. Kernels of one version,
// workload, schedule and instruction set have the same bytes; times measured
// with another version are hints only.
const Generator = "7"

// A Kernel is generated code for one workload. It is immutable.
type Kernel struct {
	Workload schedules.Workload
	Schedule schedules.Schedule
	ISA      schedules.ISA

	plan     plan
	programs []*x86.Program // by role
	code     [][]byte       // machine code of each program
}

// Roles of programs: indexes into Kernel.programs.
const (
	progMain    = iota // the operator
	progPrepare        // widens the input (avx2), stacks its rows or sums its windows, if there is one
)

// A plan is what an operator family decides: its programs, and how constants
// and buffers are laid out for them.
type plan interface {
	fmt.Stringer
	programs() []*x86.Program
	pack(l *qnn.Layer) *Packed
	halo() Halo
	flat() bool        // all pixels of the batch are one row
	densePixels() bool // pixels of a row lie in the output without gaps
	EpilogueInstructions() int64
	bind(b *Bound) error // adds the phases to a Bound that has its operands
}

// Build plans and generates the code of w under s. A schedule that is not in
// the space of w is an error.
func Build(w schedules.Workload, s schedules.Schedule, isa schedules.ISA) (k *Kernel, err error) {
	space, err := schedules.SpaceFor(w, isa)
	if err != nil {
		return nil, err
	}
	if err := space.Validate(s); err != nil {
		return nil, fmt.Errorf("schedule %q of %s on %s: %w", s, w, isa, err)
	}
	return Generate(w, s, isa)
}

// Generate is Build for a schedule that its space is known to accept.
func Generate(w schedules.Workload, s schedules.Schedule, isa schedules.ISA) (k *Kernel, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("generating %s, schedule %q, %s: %v", w, s, isa, r)
		}
	}()
	k = &Kernel{Workload: w, Schedule: s, ISA: isa, plan: planFor(w, s, isa)}
	k.programs = k.plan.programs()
	for _, p := range k.programs {
		code, err := p.Encode()
		if err != nil {
			return nil, fmt.Errorf("encoding %s, schedule %q, %s: %w", w, s, isa, err)
		}
		k.code = append(k.code, code)
	}
	return k, nil
}

func planFor(w schedules.Workload, s schedules.Schedule, isa schedules.ISA) plan {
	if w.Op == schedules.Depthwise {
		return &depthwiseKernel{emit.PlanDepthwise(w, s, isa)}
	}
	return &convKernel{emit.PlanConv(w, s, isa)}
}

// CodeHash identifies the code's bytes: 16 hexadecimal digits.
func (k *Kernel) CodeHash() string {
	h := sha256.New()
	for _, c := range k.code {
		h.Write(c)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// InputHalo is the border that the kernel reads from its input view. Zero
// unless the schedule says pad=halo. Bind copies where the view lacks it.
func (k *Kernel) InputHalo() Halo { return k.plan.halo() }

// ContiguousInput tells that the kernel treats all pixels as one row
// (form=flat): Bind copies an input with gaps between pixels or rows.
func (k *Kernel) ContiguousInput() bool { return k.plan.flat() }

// ContiguousOutput tells that the kernel writes all pixels as one row: Bind
// refuses an output with gaps between rows.
func (k *Kernel) ContiguousOutput() bool { return k.plan.flat() }

// DensePixels tells that the kernel writes the pixels of a row without gaps:
// Bind refuses an output with gaps between pixels.
func (k *Kernel) DensePixels() bool { return k.plan.densePixels() }

// EpilogueInstructions counts the vector instructions by which all of an output
// is requantised, narrowed and stored; see package emit.
func (k *Kernel) EpilogueInstructions() int64 { return k.plan.EpilogueInstructions() }

// CodeBytes is the size of the machine code.
func (k *Kernel) CodeBytes() int {
	n := 0
	for _, c := range k.code {
		n += len(c)
	}
	return n
}

// Dump returns the plan and the assembly.
func (k *Kernel) Dump() string {
	var b strings.Builder
	fmt.Fprintf(&b, "workload     %s\nschedule     %s\ntarget       %s\n%s", k.Workload, k.Schedule, k.ISA, k.plan)
	for i, p := range k.programs {
		fmt.Fprintf(&b, "\n; %s: %d instructions, %d bytes\n%s", p.Name, len(p.Insts), len(k.code[i]), p)
	}
	return b.String()
}

// Packed holds a layer's numbers in the layout of one kernel's code.
type Packed struct {
	weights, blocks, consts []byte
	prepare                 []byte // constants of progPrepare
	inputZero               int32
}

// Pack lays out the numbers of l, which must be of the kernel's workload.
func (k *Kernel) Pack(l *qnn.Layer) (*Packed, error) {
	w, err := schedules.WorkloadOf(l, k.ISA)
	if err != nil {
		return nil, err
	}
	if !k.Workload.Holds(w) {
		return nil, fmt.Errorf("a kernel of %s cannot hold the numbers of %s", k.Workload, w)
	}
	return k.plan.pack(l), nil
}

// clone copies p to memory of m (for measuring with cold weights).
func (p *Packed) clone(m *Memory) *Packed {
	dup := func(b []byte) []byte {
		c := m.bytes(len(b))
		copy(c, b)
		return c
	}
	return &Packed{dup(p.weights), dup(p.blocks), dup(p.consts), dup(p.prepare), p.inputZero}
}

// MoveTogether moves the weights of layers into one piece of memory, in their
// order: what a kernel prefetches after its own weights are those of the next.
func MoveTogether(layers []*Packed) {
	size := func(p *Packed) int { return (len(p.weights) + 63) &^ 63 }
	total := 0
	for _, p := range layers {
		total += size(p)
	}
	all := pack.Large(total)
	for _, p := range layers {
		n := copy(all, p.weights)
		p.weights, all = all[:n:n], all[size(p):]
	}
}

// Bytes is the memory that p occupies.
func (p *Packed) Bytes() int {
	return len(p.weights) + len(p.blocks) + len(p.consts) + len(p.prepare)
}
