package x86

// An Op is an instruction name; with its operands it selects one row of the
// instruction table. Comments give the operands where they are not v, v, v/m.
//
//go:generate go run golang.org/x/tools/cmd/stringer@v0.48.0 -type=Op -output=zz_op_string.go
type Op uint16

// Instructions. v stands for xmm, ymm or zmm of one width, m for memory; the
// last source may be memory where written v/m.
const (

	// General purpose, 64-bit unless the name says otherwise.

	LABEL Op = iota // position of a label, no machine code
	ALIGN           // imm: pads with NOPs to a multiple of 1, 2, 4 ... 64 bytes
	RET
	JMP // label
	JE  // label (signed L/G, unsigned B/A)
	JNE
	JL
	JLE
	JG
	JGE
	JB
	JBE
	JA
	JAE
	MOV    // r64,r64; r64,m64; m64,r64; r64,imm32 sign-extended or imm64
	MOVL   // r32,m32 (zero-extends); m32,r32
	MOVW   // m16,r16
	MOVB   // m8,r8
	MOVZXB // r64,m8
	MOVZXW // r64,m16
	MOVSXD // r64,m32
	LEA    // r64,m
	ADD    // r64,r64; r64,imm32; r64,m64; ADD also m64,r64 and CMP m64,imm32
	SUB
	AND
	OR
	XOR
	CMP
	TEST // r64,r64
	IMUL // r64,r64; r64,r64,imm32
	BSF  // r64,r64
	SHL  // r64,imm8
	SHR
	SAR
	INC // r64; m64
	DEC
	PREFETCHT0 // m8
	PREFETCHT1
	VZEROUPPER

	// Vector moves, broadcasts, widening, narrowing.

	VMOVDQU      // xmm/ymm/zmm <-> memory or register, full width; under a mask 32-bit elements (VMOVDQU32)
	VMOVDQU8     // EVEX; masked bytes
	VMOVDQU32    // EVEX; masked dwords
	VMOVD        // xmm,r32/m32; r32/m32,xmm
	VMOVQ        // xmm,m64/r64; m64/r64,xmm
	VPBROADCASTB // v,xmm or v,memory; EVEX also from r32/r64
	VPBROADCASTW
	VPBROADCASTD
	VPBROADCASTQ
	VBROADCASTI128  // ymm,m128
	VBROADCASTI32X4 // EVEX; zmm/ymm,m128
	VPMOVZXBW       // v,xmm/ymm/memory of the narrow width
	VPMOVSXBW
	VPMOVZXBD
	VPMOVSXBD
	VPMOVZXWD
	VPMOVSXWD
	VPMOVZXDQ
	VPMOVSXDQ
	VPMOVUSDB // EVEX; xmm/memory,v
	VPMOVDB
	VEXTRACTI128  // xmm/m128,ymm,imm
	VEXTRACTI32X4 // EVEX; xmm/m128,v,imm
	VEXTRACTI64X4 // EVEX; ymm/m256,zmm,imm
	VINSERTI128   // ymm,ymm,xmm/m128,imm
	VINSERTI32X4  // EVEX
	VINSERTI64X4  // EVEX
	VPEXTRB       // r/m,xmm,imm
	VPEXTRW
	VPEXTRD
	VPEXTRQ
	VPINSRB // xmm,xmm,r/m,imm
	VPINSRW
	VPINSRD
	VPINSRQ
	VMOVHPS   // xmm,xmm,m64; m64,xmm
	VMOVSHDUP // v,v/m
	VPMOVMSKB // VEX; r32,v
	KMOVB     // k,r; r,k; k,m
	KMOVW
	KMOVD
	KMOVQ

	// Dot products.

	VPDPBUSD // acc, u8, s8/m: 4-way dot product; VEX on AVXVNNI, EVEX on AVX512VNNI
	VPDPWSSD // acc, s16, s16/m: 2-way dot product
	VPMADDWD
	VPMADDUBSW

	// Arithmetic, three operands.

	VPADDB
	VPADDW
	VPADDD
	VPADDQ
	VPSUBB
	VPSUBW
	VPSUBD
	VPSUBQ
	VPADDSW
	VPADDUSB
	VPSUBUSB
	VPMULLW
	VPMULLD
	VPMULDQ
	VPMULUDQ
	VPMULHW
	VPMAXSB
	VPMAXSW
	VPMAXSD
	VPMAXUB
	VPMINSB
	VPMINSW
	VPMINSD
	VPMINUB
	VPAVGB
	VPAND // EVEX as VPANDD and so on
	VPOR
	VPXOR
	VPANDN
	VPTERNLOGD // EVEX; with imm8
	VPSADBW
	VPSIGNB // VEX only
	VPSIGND
	VPABSB // two operands
	VPABSD
	VPCMPEQB // VEX: vector result
	VPCMPEQD
	VPCMPGTB
	VPCMPGTD
	VPCMPGTQ

	// Floating point: single precision, but for the VEX-only names in PD.

	VADDPS
	VSUBPS
	VMULPS
	VFMADD213PS // first = second*first + third, rounded once
	VDIVPS
	VMINPS
	VMAXPS
	VADDPD
	VDIVPD
	VMINPD
	VMAXPD
	VCVTDQ2PS  // v,v/m
	VCVTTPS2DQ // v,v/m
	VCVTPS2PD  // v, xmm/memory of half the width
	VCVTTPD2DQ // xmm,v

	// Shifts.

	VPSLLW // v,v,imm8
	VPSRLW
	VPSRAW
	VPSLLD
	VPSRLD
	VPSRAD
	VPSLLQ
	VPSRLQ
	VPSRAQ  // EVEX; v,v,imm8
	VPSLLVD // v,v,v/m
	VPSRLVD
	VPSRAVD
	VPSLLVQ
	VPSRLVQ
	VPSRAVQ // EVEX
	VPSRLDQ // bytes within 128-bit lanes, imm8
	VPSLLDQ
	VPALIGNR // v,v,v/m,imm8

	// Shuffles, packs, blends.

	VPACKSSDW
	VPACKUSDW
	VPACKUSWB
	VPACKSSWB
	VPUNPCKLBW
	VPUNPCKHBW
	VPUNPCKLWD
	VPUNPCKHWD
	VPUNPCKLDQ
	VPUNPCKHDQ
	VPUNPCKLQDQ
	VPUNPCKHQDQ
	VPSHUFB
	VPSHUFD    // v,v/m,imm8
	VSHUFPS    // v,v,v/m,imm8
	VPERMD     // v, index, v/m (ymm, zmm)
	VPERMQ     // v,v/m,imm8 (ymm, zmm)
	VPERM2I128 // ymm,ymm,ymm/m,imm8
	VPERMT2D   // EVEX
	VPERMT2Q
	VPERMW
	VSHUFI32X4 // EVEX; imm8
	VSHUFI64X2
	VPBLENDD  // VEX; v,v,v/m,imm8
	VPBLENDVB // VEX; v,v,v/m,v
	VPBLENDMB // EVEX; under a mask
	VPBLENDMD
	VPBLENDMQ

	numOps
)
