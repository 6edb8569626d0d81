package emu

import "qtune/kernels/x86"

// control: what ends or redirects the program, and the instruction that has
// to come before its end.
var control = table{
	x86.RET:        ret,
	x86.VZEROUPPER: zeroUpper,
	x86.JMP:        jump,
	x86.JE:         jumpIf,
	x86.JNE:        jumpIf,
	x86.JL:         jumpIf,
	x86.JLE:        jumpIf,
	x86.JG:         jumpIf,
	x86.JGE:        jumpIf,
	x86.JB:         jumpIf,
	x86.JBE:        jumpIf,
	x86.JA:         jumpIf,
	x86.JAE:        jumpIf,
}

func ret(*decoder) step {
	return func(m *Machine) {
		if m.wide {
			m.trap("RET without VZEROUPPER after the last use of ymm or zmm registers")
		}
		m.done = true
	}
}

// zeroUpper clears the upper parts of registers 0 to 15 only.
func zeroUpper(*decoder) step {
	return func(m *Machine) {
		for i := range 16 {
			m.v[i].clearFrom(int(x86.W128))
		}
		m.wide = false
	}
}

func jump(d *decoder) step {
	to := d.target()
	return func(m *Machine) { m.pc = to }
}

func jumpIf(d *decoder) step {
	to, cond := d.target(), conditions[d.in.Op]
	return func(m *Machine) {
		if cond.needs&^m.flags.known != 0 {
			m.trap("depends on a flag that no instruction has given a defined value")
		}
		if cond.holds(&m.flags) {
			m.pc = to
		}
	}
}
