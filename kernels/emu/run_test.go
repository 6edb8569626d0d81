package emu_test

import (
	"errors"
	"strings"
	"testing"

	"qtune/kernels/emu"
	"qtune/kernels/x86"
)

// fixture is a memory of 100 bytes "in" that can only be read and 100 bytes
// "out", and an argument block with their addresses.
type fixture struct {
	mem     emu.Memory
	rdi     uint64
	in, out []byte
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	fx := &fixture{in: make([]byte, 100), out: make([]byte, 100)}
	for i := range fx.in {
		fx.in[i] = byte(i + 1)
	}
	in, err1 := emu.MapSlice(&fx.mem, "in", fx.in, emu.Read)
	out, err2 := emu.MapSlice(&fx.mem, "out", fx.out, emu.Read|emu.Write)
	rdi, err3 := emu.MapSlice(&fx.mem, "args", []uint64{in, out}, emu.Read)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	fx.rdi = rdi
	return fx
}

// run executes what body emits, with RAX at "in" and RDX at "out".
func (fx *fixture) run(t *testing.T, body func(p *x86.Program)) error {
	t.Helper()
	p := x86.NewProgram("test", x86.AVX512VNNI)
	p.Emit(x86.MOV, x86.R(x86.RAX), x86.M(x86.RDI, 0))
	p.Emit(x86.MOV, x86.R(x86.RDX), x86.M(x86.RDI, 8))
	body(p)
	c, err := emu.Compile(p)
	if err != nil {
		return err
	}
	return emu.NewMachine().Run(c, &fx.mem, fx.rdi, 1000)
}

func finish(p *x86.Program) {
	p.Emit(x86.VZEROUPPER)
	p.Emit(x86.RET)
}

func TestFaults(t *testing.T) {
	in := func(disp int) x86.Operand { return x86.M(x86.RAX, disp) }
	out := func(disp int) x86.Operand { return x86.M(x86.RDX, disp) }
	setMask := func(p *x86.Program, bits int) {
		p.Emit(x86.MOV, x86.R(x86.RCX), x86.I(bits))
		p.Emit(x86.KMOVQ, x86.K(x86.K1), x86.R(x86.RCX))
	}
	for _, test := range []struct {
		name string
		body func(p *x86.Program)
		want string // part of the error; "" = none
	}{
		{"load to the last byte", func(p *x86.Program) { p.Emit(x86.VMOVDQU, x86.Z(0), in(36)); finish(p) }, ""},
		{"load past the end", func(p *x86.Program) { p.Emit(x86.VMOVDQU, x86.Z(0), in(37)); finish(p) },
			"instruction 2: vmovdqu32"},
		{"region named", func(p *x86.Program) { p.Emit(x86.MOVZXB, x86.R(x86.RCX), in(100)); finish(p) }, "in+100 (100 bytes)"},
		{"before the start", func(p *x86.Program) { p.Emit(x86.MOVZXB, x86.R(x86.RCX), in(-3)); finish(p) }, "in-3"},
		{"store past the end", func(p *x86.Program) { p.Emit(x86.MOVL, out(97), x86.R(x86.RCX)); finish(p) }, "out+97"},
		{"store to read-only", func(p *x86.Program) { p.Emit(x86.MOVB, in(0), x86.R(x86.RCX)); finish(p) }, "not permitted"},
		{"increment read-only", func(p *x86.Program) { p.Emit(x86.INC, in(0)); finish(p) }, "not permitted"},
		{"broadcast reads one element", func(p *x86.Program) {
			p.Emit(x86.VPADDD, x86.Z(0), x86.Z(0), in(96).Broadcast())
			finish(p)
		}, ""},
		{"masked load", func(p *x86.Program) {
			setMask(p, 0x1ff)
			p.EmitMasked(x86.VMOVDQU, x86.K1, true, x86.Z(0), in(64))
			finish(p)
		}, ""},
		{"masked load, one too many", func(p *x86.Program) {
			setMask(p, 0x3ff)
			p.EmitMasked(x86.VMOVDQU, x86.K1, true, x86.Z(0), in(64))
			finish(p)
		}, "in+100"},
		{"masked store", func(p *x86.Program) {
			setMask(p, 1<<36-1)
			p.EmitMasked(x86.VMOVDQU8, x86.K1, false, out(64), x86.Z(0))
			finish(p)
		}, ""},
		{"masked store, one too many", func(p *x86.Program) {
			setMask(p, 1<<37-1)
			p.EmitMasked(x86.VMOVDQU8, x86.K1, false, out(64), x86.Z(0))
			finish(p)
		}, "out+100"},
		{"masked widening", func(p *x86.Program) {
			setMask(p, 0xf)
			p.EmitMasked(x86.VPMOVZXBD, x86.K1, false, x86.Z(0), in(96))
			finish(p)
		}, ""},
		{"masked narrowing", func(p *x86.Program) {
			setMask(p, 0xf)
			p.EmitMasked(x86.VPMOVUSDB, x86.K1, false, out(96), x86.Z(0))
			finish(p)
		}, ""},
		{"masked broadcast of nothing", func(p *x86.Program) {
			setMask(p, 0)
			p.EmitMasked(x86.VPADDD, x86.K1, false, x86.Z(0), x86.Z(1), in(100).Broadcast())
			p.EmitMasked(x86.VPBROADCASTD, x86.K1, false, x86.Z(0), in(100))
			finish(p)
		}, ""},
		{"a masked shuffle reads everything", func(p *x86.Program) {
			setMask(p, 1)
			p.EmitMasked(x86.VPSHUFB, x86.K1, false, x86.Z(0), x86.Z(1), in(64))
			finish(p)
		}, "outside of every region"},
		{"endless loop", func(p *x86.Program) {
			l := p.NewLabel()
			p.Place(l)
			p.Emit(x86.JMP, x86.L(l))
		}, "no RET within 1000 instructions"},
		{"no RET", func(p *x86.Program) { p.Emit(x86.INC, x86.R(x86.RAX)) }, "ends without RET"},
		{"no VZEROUPPER", func(p *x86.Program) { p.Emit(x86.VPXOR, x86.Y(0), x86.Y(0), x86.Y(0)); p.Emit(x86.RET) }, "VZEROUPPER"},
		{"VZEROUPPER too early", func(p *x86.Program) {
			p.Emit(x86.VZEROUPPER)
			p.Emit(x86.VPXOR, x86.Y(0), x86.Y(0), x86.Y(0))
			p.Emit(x86.RET)
		}, "VZEROUPPER"},
		{"xmm needs no VZEROUPPER", func(p *x86.Program) { p.Emit(x86.VPXOR, x86.X(0), x86.X(0), x86.X(0)); p.Emit(x86.RET) }, ""},
		{"writes RSP", func(p *x86.Program) { p.Emit(x86.SUB, x86.R(x86.RSP), x86.I(8)); finish(p) }, "belongs to the caller"},
		{"writes RBP", func(p *x86.Program) { p.Emit(x86.MOV, x86.R(x86.RBP), x86.R(x86.RAX)); finish(p) }, "belongs to the caller"},
		{"flags at the start", func(p *x86.Program) {
			l := p.NewLabel()
			p.Emit(x86.JE, x86.L(l))
			p.Place(l)
			finish(p)
		}, "depends on a flag"},
		{"sign after IMUL", func(p *x86.Program) {
			l := p.NewLabel()
			p.Emit(x86.IMUL, x86.R(x86.RAX), x86.R(x86.RCX))
			p.Emit(x86.JL, x86.L(l))
			p.Place(l)
			finish(p)
		}, "depends on a flag"},
		{"not encodable", func(p *x86.Program) { p.Emit(x86.VPADDD, x86.Z(0), x86.Y(0), x86.Z(0)); finish(p) }, "no form"},
		{"label not placed", func(p *x86.Program) { p.Emit(x86.JMP, x86.L(p.NewLabel())) }, "not placed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := newFixture(t).run(t, test.body)
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && err == nil:
				t.Errorf("no error, want %q", test.want)
			case test.want != "" && !strings.Contains(err.Error(), test.want):
				t.Errorf("error %q, want %q", err, test.want)
			}
		})
	}
}

// TestFaultFields checks what a caller can read off an error.
func TestFaultFields(t *testing.T) {
	fx := newFixture(t)
	err := fx.run(t, func(p *x86.Program) {
		p.Place(p.NewLabel())
		p.Emit(x86.VMOVDQU, x86.X(0), x86.M(x86.RAX, 90))
		finish(p)
	})
	var f *emu.Fault
	if !errors.As(err, &f) {
		t.Fatalf("error %v is no Fault", err)
	}
	if f.Program != "test" || f.Index != 3 || f.Addr == 0 || !strings.Contains(f.Text, "vmovdqu") {
		t.Errorf("%+v", f)
	}
}

// TestRegionsDoNotMerge has two regions that touch: an access over the border
// is outside of both.
func TestRegionsDoNotMerge(t *testing.T) {
	p := x86.NewProgram("test", x86.AVX2)
	p.Emit(x86.VMOVDQU, x86.X(0), x86.M(x86.RDI, 0))
	p.Emit(x86.VMOVDQU, x86.X(0), x86.M(x86.RDI, 16))
	p.Emit(x86.VMOVDQU, x86.X(0), x86.M(x86.RDI, 8))
	p.Emit(x86.RET)
	c, err := emu.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	var mem emu.Memory
	if err := errors.Join(
		mem.Map("low", 4096, make([]byte, 16), emu.Read),
		mem.Map("high", 4112, make([]byte, 16), emu.Read),
	); err != nil {
		t.Fatal(err)
	}
	var f *emu.Fault
	if err := emu.NewMachine().Run(c, &mem, 4096, 10); !errors.As(err, &f) || f.Index != 2 {
		t.Errorf("error %v, want one of instruction 2", err)
	}
}

func TestMapErrors(t *testing.T) {
	var mem emu.Memory
	if err := mem.Map("a", 4096, make([]byte, 16), emu.Read); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		addr uint64
		size int
	}{
		{"empty", 8192, 0},
		{"null", 0, 16},
		{"wraps", ^uint64(7), 16},
		{"same", 4096, 16},
		{"end in a", 4090, 7},
		{"start in a", 4111, 7},
		{"around a", 4000, 1000},
	} {
		if err := mem.Map(test.name, test.addr, make([]byte, test.size), emu.Read); err == nil {
			t.Errorf("%s: no error", test.name)
		}
	}
	for _, addr := range []uint64{4095, 4112} {
		if err := mem.Map("beside a", addr, make([]byte, 1), emu.Read); err != nil {
			t.Error(err)
		}
	}
}

func TestCounts(t *testing.T) {
	p := x86.NewProgram("loop", x86.AVX2)
	p.Emit(x86.MOV, x86.R(x86.RCX), x86.I(10))
	l := p.NewLabel()
	p.Place(l)
	p.Emit(x86.VPADDD, x86.X(0), x86.X(0), x86.X(1))
	p.Emit(x86.DEC, x86.R(x86.RCX))
	p.Emit(x86.JNE, x86.L(l))
	p.Emit(x86.RET)
	c, err := emu.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	m := emu.NewMachine()
	for range 2 {
		if err := m.Run(c, &emu.Memory{}, 0, 32); err != nil {
			t.Fatal(err)
		}
	}
	want := map[x86.Op]uint64{x86.MOV: 2, x86.VPADDD: 20, x86.DEC: 20, x86.JNE: 20, x86.RET: 2}
	for op, n := range m.Counts() {
		if want[op] != n {
			t.Errorf("%v: %d times, want %d", op, n, want[op])
		}
		delete(want, op)
	}
	if len(want) > 0 {
		t.Errorf("not counted: %v", want)
	}
	if err := m.Run(c, &emu.Memory{}, 0, 31); err == nil {
		t.Error("32 instructions ran in 31")
	}
}
