package x86

import "encoding/binary"

// append appends the machine code of in, which has form f. Jumps and places
// are not its business.
func (f *Form) append(b []byte, in *Inst) []byte {
	if f.enc == encLegacy {
		b = f.appendLegacy(b, in)
	} else {
		b = f.appendVector(b, in)
	}
	switch {
	case f.argL >= 0:
		b = append(b, in.Args[f.argL].N<<4)
	case f.immBytes == 1:
		b = append(b, byte(in.Args[f.argI].Imm))
	case f.immBytes == 4:
		b = binary.LittleEndian.AppendUint32(b, uint32(in.Args[f.argI].Imm))
	case f.immBytes == 8:
		b = binary.LittleEndian.AppendUint64(b, uint64(in.Args[f.argI].Imm))
	}
	return b
}

// rmBits returns the high bits of the register numbers in ModRM.rm or SIB:
// bit 3 of rm or base, and what the X bit extends, bit 3 of the index or bit 4
// of a vector register (SDM vol. 2A 2.7.2, table 2-32).
func rmBits(m *Operand) (b, x uint8) {
	if m.Kind != KindMem {
		return m.N >> 3 & 1, m.N >> 4 & 1
	}
	if m.Base != NoReg {
		b = uint8(m.Base) >> 3
	}
	if m.Index != NoReg {
		x = uint8(m.Index) >> 3
	}
	return b, x
}

// appendLegacy appends prefixes, opcode and operands: SDM vol. 2A 2.1, 2.2.1.
func (f *Form) appendLegacy(b []byte, in *Inst) []byte {
	var r, rb, x, low uint8
	reg := f.digit
	if f.argR >= 0 {
		reg = in.Args[f.argR].N
		r = reg >> 3
	}
	if f.argM >= 0 {
		rb, x = rmBits(&in.Args[f.argM])
	}
	if f.argO >= 0 {
		n := in.Args[f.argO].N
		low, rb = n&7, n>>3
	}
	if f.pp == 1 {
		b = append(b, 0x66)
	}
	rex := 0x40 | f.w<<3 | r<<2 | x<<1 | rb
	if rex != 0x40 || f.rexByte && reg >= 4 {
		b = append(b, rex)
	}
	if f.mmap == 1 {
		b = append(b, 0x0f)
	}
	b = append(b, f.opcode+low)
	if f.argM >= 0 {
		b = appendModRM(b, reg&7, &in.Args[f.argM], 1)
	}
	return b
}

// appendVector appends a VEX or EVEX prefix, opcode and operands.
func (f *Form) appendVector(b []byte, in *Inst) []byte {
	var rb, x, v uint8
	reg := f.digit
	if f.argR >= 0 {
		reg = in.Args[f.argR].N
	}
	if f.argV >= 0 {
		v = in.Args[f.argV].N
	}
	if f.argM < 0 { // VZEROUPPER: two-byte VEX, no ModRM
		return append(b, 0xc5, 0xf8|f.l<<2|f.pp, f.opcode)
	}
	m := &in.Args[f.argM]
	rb, x = rmBits(m)
	scale := int64(1)
	if f.enc == encVEX {
		b = f.appendVEX(b, reg, v, rb, x)
	} else {
		b = f.appendEVEX(b, in, reg, v, rb, x)
		scale = int64(f.memSize)
	}
	return appendModRM(append(b, f.opcode), reg&7, m, scale)
}

// appendVEX appends a VEX prefix, of two bytes if possible: SDM vol. 2A 2.3.
// The fields R, X, B and vvvv are stored inverted.
func (f *Form) appendVEX(b []byte, reg, v, rb, x uint8) []byte {
	r := reg >> 3 & 1
	tail := (v^15)<<3 | f.l<<2 | f.pp
	if rb|x|f.w == 0 && f.mmap == 1 {
		return append(b, 0xc5, (r^1)<<7|tail)
	}
	return append(b, 0xc4, (r^1)<<7|(x^1)<<6|(rb^1)<<5|f.mmap, f.w<<7|tail)
}

// appendEVEX appends an EVEX prefix: SDM vol. 2A 2.7.1. The fields R, X, B,
// R', vvvv and V' are stored inverted.
func (f *Form) appendEVEX(b []byte, in *Inst, reg, v, rb, x uint8) []byte {
	p0 := f.mmap | (reg>>3&1^1)<<7 | (x^1)<<6 | (rb^1)<<5 | (reg>>4&1^1)<<4
	p1 := f.w<<7 | (v&15^15)<<3 | 1<<2 | f.pp
	p2 := f.l<<5 | (v>>4&1^1)<<3 | uint8(in.Mask)
	if in.Zero {
		p2 |= 1 << 7
	}
	if f.mem >= 0 && in.Args[f.mem].Bcast {
		p2 |= 1 << 4
	}
	return append(b, 0x62, p0, p1, p2)
}

// appendModRM appends ModRM, SIB and displacement: SDM vol. 2A 2.1.5. An
// 8-bit displacement counts in units of scale (disp8*N, SDM vol. 2A 2.7.5).
func appendModRM(b []byte, reg uint8, m *Operand, scale int64) []byte {
	if m.Kind != KindMem {
		return append(b, 0xc0|reg<<3|m.N&7)
	}
	if m.Base == NoReg { // [index*scale+disp32]: mod 00, SIB base 101
		b = append(b, reg<<3|4, sib(m, 5))
		return binary.LittleEndian.AppendUint32(b, uint32(m.Imm))
	}
	base := uint8(m.Base) & 7
	disp := m.Imm
	var mod uint8
	switch {
	case disp == 0 && base != 5: // with RBP and R13 mod 00 means something else
		mod = 0
	case disp >= -128*scale && disp < 128*scale && disp&(scale-1) == 0:
		mod = 1
	default:
		mod = 2
	}
	if m.Index == NoReg && base != 4 { // with RSP and R12 rm 100 means SIB
		b = append(b, mod<<6|reg<<3|base)
	} else {
		b = append(b, mod<<6|reg<<3|4, sib(m, base))
	}
	switch mod {
	case 1:
		b = append(b, byte(disp/scale))
	case 2:
		b = binary.LittleEndian.AppendUint32(b, uint32(disp))
	}
	return b
}

// sib returns the byte of scale, index and base; index 100 is none.
func sib(m *Operand, base uint8) byte {
	index := uint8(4)
	if m.Index != NoReg {
		index = uint8(m.Index) & 7
	}
	var log uint8
	switch m.Scale {
	case 2:
		log = 1
	case 4:
		log = 2
	case 8:
		log = 3
	}
	return log<<6 | index<<3 | base
}
