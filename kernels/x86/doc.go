// Package x86 writes x86-64 machine code: registers and operands, the
// instruction table, programs with labels, encoder and printer.
//
// In comes a Program: instructions in Intel order, destination first, as data.
// Out goes machine code (Encode) or assembly that GNU as accepts (String). The
// emulator reads the same Program and finds in the same table, by Lookup, what
// operands an instruction takes, how many bytes it accesses and what a mask
// stands for.
//
// The table (table_*.go) has one row for each form of an instruction, in the
// notation of the Intel manual, with the section it was taken from; there are
// no facts about single instructions elsewhere. The encoder takes the first
// form that fits operands and ISA. Rows are ordered so that this is the
// shortest: VEX before EVEX, so EVEX only where registers above 15, a mask, a
// broadcast or 512 bits need it, or where the ISA has no VEX form (VPDPBUSD
// under AVX-512 VNNI). Jumps are 8-bit where they reach.
//
// Whatever an Inst holds, the answer is machine code or an error that names
// the instruction, never a panic. The same program gives the same bytes.
//
// Sources: Intel 64 and IA-32 Architectures Software Developer's Manual (SDM),
// vol. 2A sections 2.1 to 2.3 (legacy and VEX prefixes, ModRM and SIB), 2.7
// (EVEX, compressed displacement), vol. 2A-2D (instructions). Each form is
// compared byte for byte with the output of GNU as, kept in testdata; after a
// change of the table, "go test ./kernels/x86 -update" asks an installed as
// (binutils 2.40 or later) again.
package x86
