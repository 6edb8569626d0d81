//go:build linux

#include "textflag.h"

// func call(entry, args unsafe.Pointer)
//
// Enters generated code with RDI = args. The code is a leaf, so the stack has
// only to hold the return address; all registers but SP and BP are free under
// ABI0, and the wrapper that the linker puts before this function restores
// those with a fixed meaning in Go (R14, X15).
TEXT ·call(SB), NOSPLIT, $0-16
	MOVQ entry+0(FP), AX
	MOVQ args+8(FP), DI
	CALL AX
	RET
