package x86_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	. "qtune/kernels/x86"
)

// sumRows has a loop in a loop, so that indentation shows.
func sumRows() *Program {
	p := NewProgram("sumRows", AVX512VNNI)
	p.Annotate = true
	rows, cols := p.NewLabel(), p.NewLabel()
	p.Emit(ALIGN, I(16))
	p.Place(rows)
	p.Emit(MOV, R(RCX), R(RDX))
	p.Place(cols)
	p.Comment("columns %d to %d", 0, 15)
	p.EmitMasked(VPADDD, K1, true, Z(0), Z(17), MX(RSI, RCX, 4, 64))
	p.Emit(VPADDD, Z(1), Z(1), M(RSI, -4).Broadcast())
	p.Emit(DEC, R(RCX))
	p.Emit(JNE, L(cols))
	p.Emit(SUB, R(R8), I(1))
	p.Emit(JG, L(rows))
	p.Emit(VZEROUPPER)
	p.Emit(RET)
	return p
}

func TestPrint(t *testing.T) {
	want := `	.align 16
L0:
	  mov rcx, rdx
  L1:
	    vpaddd zmm0{k1}{z}, zmm17, zmmword ptr [rsi+rcx*4+64]  # columns 0 to 15
	    vpaddd zmm1, zmm1, dword ptr [rsi-4]{1to16}
	    dec rcx
	    jne L1
	  sub r8, 1
	  jg L0
	vzeroupper
	ret
`
	if d := cmp.Diff(want, sumRows().String()); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}
