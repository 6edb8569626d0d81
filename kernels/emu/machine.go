package emu

import (
	"fmt"

	"qtune/kernels/x86"
)

// none is the register that stands for an absent base or index: always zero.
const none = 16

// A Machine holds the simulated registers. It runs one program at a time; make
// it with NewMachine.
type Machine struct {
	v     [32]vec
	k     [8]uint64
	r     [none + 1]uint64
	flags flags
	pc    int  // index of the step after the current one
	wide  bool // a ymm or zmm was used since the last VZEROUPPER
	done  bool // RET was executed

	mem  *Memory
	hint [none + 1]*region // region of the last access by base register
	tmp  vec               // memory operand
	out  vec               // result before masking

	counts []uint64 // by x86.Op
}

// NewMachine makes a machine that has not run anything.
func NewMachine() *Machine { return &Machine{counts: make([]uint64, x86.NumOps())} }

// A Fault is the error of a program that broke its contract while running.
type Fault struct {
	Program string
	Index   int    // of the instruction in Program.Insts
	Text    string // the instruction
	Addr    uint64 // of the access, if it was one
	Reason  string
}

func (f *Fault) Error() string {
	return fmt.Sprintf("emu: %s: instruction %d: %s: %s", f.Program, f.Index, f.Text, f.Reason)
}

// Run executes c on mem with the address of the argument block in RDI until
// RET, in at most maxSteps instructions. All other registers start with
// garbage, the same each time. An error is a *Fault.
func (m *Machine) Run(c *Code, mem *Memory, rdi uint64, maxSteps int) (err error) {
	m.reset(mem)
	m.r[x86.RDI] = rdi
	defer func() {
		switch x := recover().(type) {
		case nil:
		case *Fault:
			c.locate(x, m.pc-1)
			err = x
		default:
			panic(x)
		}
	}()
	for range maxSteps {
		s := &c.steps[m.pc]
		m.pc++
		m.counts[s.op]++
		m.wide = m.wide || s.wide
		s.run(m)
		if m.done {
			return nil
		}
	}
	m.pc = max(m.pc, 1)
	m.trap("no RET within %d instructions", maxSteps)
	return nil
}

// reset gives every register recognisable garbage: a program that reads what
// it has not written gets a wrong result, the same one each time.
func (m *Machine) reset(mem *Memory) {
	m.mem, m.hint, m.pc, m.done, m.wide, m.flags = mem, [none + 1]*region{}, 0, false, false, flags{}
	for i := range m.v {
		for j := range m.v[i] {
			m.v[i][j] = 0xbad0_c0de_dead_0000 ^ uint64(i)*0x0101_0101_0101_0101 ^ uint64(j)<<8
		}
	}
	for i := range m.k {
		m.k[i] = 0xa5c3_96f0_5a3c_690f ^ uint64(i)*0x1111_1111_1111_1111
	}
	for i := range none {
		m.r[i] = 0xbadc_afe0_dead_beef ^ uint64(i)<<56
	}
}

// trap ends the run with a Fault.
func (m *Machine) trap(format string, args ...any) {
	panic(&Fault{Reason: fmt.Sprintf(format, args...)})
}

// Counts returns how often each instruction was executed in all runs of m.
func (m *Machine) Counts() map[x86.Op]uint64 {
	counts := map[x86.Op]uint64{}
	for op, n := range m.counts {
		if n > 0 {
			counts[x86.Op(op)] = n
		}
	}
	return counts
}

// bytes returns the size bytes at addr, which are accessed through base.
func (m *Machine) bytes(base uint8, addr uint64, size int, perm Perm) []byte {
	r := m.hint[base]
	if r == nil || !r.holds(addr, size) || r.perm&perm != perm {
		r = m.lookup(addr, size, perm)
		m.hint[base] = r
	}
	off := addr - r.addr
	return r.data[off : off+uint64(size)]
}

// lookup finds the region of an access, or traps.
func (m *Machine) lookup(addr uint64, size int, perm Perm) *region {
	r := m.mem.find(addr, size)
	var what string
	switch {
	case r == nil:
		what = "outside of every region"
	case r.perm&perm != perm:
		what = "not permitted"
	default:
		return r
	}
	access := "read"
	if perm&Write != 0 {
		access = "write"
	}
	panic(&Fault{Addr: addr, Reason: fmt.Sprintf("%s of %d bytes at %#x %s: %s", access, size, addr, what, m.mem.where(addr))})
}
