package x86

// An ISA is the set of instructions that a program may use: one of the
// compiler's targets with machine code. Each includes x86-64 and AVX2 (with
// BMI1/2, POPCNT and MOVBE of the same generation).
type ISA uint8

// Instruction sets.
const (
	AVX2       ISA = iota // VEX, 16 ymm
	AVXVNNI               // AVX2 + VEX-encoded VPDPBUSD and VPDPWSSD
	AVX512VNNI            // AVX-512 F, BW, DQ, VL, VNNI (no VBMI); 32 zmm, masks
)
