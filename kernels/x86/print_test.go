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

// TestCommentsAreFree checks that comments are dropped unless wanted.
func TestCommentsAreFree(t *testing.T) {
	p := NewProgram("test", AVX2)
	p.Comment("not kept")
	p.Emit(RET)
	if got := p.String(); got != "\tret\n" {
		t.Errorf("got %q", got)
	}
}

// TestPrintImpossible checks that what cannot be encoded still prints, for
// error messages.
func TestPrintImpossible(t *testing.T) {
	for _, tt := range []struct {
		inst Inst
		want string
	}{
		{inst(VPADDD, Y(0), X(1), V(3, 2)), "vpaddd ymm0, xmm1, ?mm2"},
		{inst(VPADDD, Z(0), Z(40), M(RAX, 0)), "vpaddd zmm0, zmm40, zmmword ptr [rax]"},
		{inst(MOV, R(RAX), MX(NoReg, RCX, 8, -5), I(7)), "mov rax, [rcx*8-5], 7"},
		{inst(60000, R(99)), "op(60000) r?"},
	} {
		if got := tt.inst.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
