package x86_test

import (
	"encoding/hex"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "qtune/kernels/x86"
)

// TestVEXorEVEX pins the choice between the two encodings.
func TestVEXorEVEX(t *testing.T) {
	tests := []struct {
		isa  ISA
		inst Inst
		evex bool
	}{
		{AVX2, inst(VPADDD, Y(0), Y(1), Y(15)), false},
		{AVX512VNNI, inst(VPADDD, Y(0), Y(1), Y(15)), false},
		{AVX512VNNI, inst(VPADDD, Y(0), Y(1), Y(16)), true},
		{AVX512VNNI, inst(VPADDD, Z(0), Z(1), Z(2)), true},
		{AVX512VNNI, inst(VPADDD, Y(0), Y(1), M(RAX, 0).Broadcast()), true},
		{AVX512VNNI, masked(VPADDD, K1, false, Y(0), Y(1), Y(2)), true},
		{AVXVNNI, inst(VPDPBUSD, Y(0), Y(1), Y(2)), false},
		{AVX512VNNI, inst(VPDPBUSD, Y(0), Y(1), Y(2)), true},
		{AVX512VNNI, inst(VPDPWSSD, X(0), X(1), X(2)), true},
		{AVX512VNNI, masked(VMOVDQU, K2, true, Y(0), M(RAX, 0)), true},
		{AVX512VNNI, inst(VMOVDQU, Y(0), M(RAX, 0)), false},
	}
	for _, tt := range tests {
		f, err := Lookup(&tt.inst, tt.isa)
		if err != nil {
			t.Error(err)
		} else if f.EVEX() != tt.evex {
			t.Errorf("%v %s: EVEX %v", tt.isa, tt.inst.Text(tt.isa), f.EVEX())
		}
	}
}

func inst(op Op, args ...Operand) Inst { return masked(op, K0, false, args...) }

func masked(op Op, k Mask, zero bool, args ...Operand) Inst {
	p := NewProgram("", AVX2)
	p.EmitMasked(op, k, zero, args...)
	return p.Insts[0]
}

// TestFormFacts pins what the emulator takes from the table.
func TestFormFacts(t *testing.T) {
	type facts struct {
		Dst      int
		ReadsDst bool
		Mem      int
		MemSize  int
		MaskElem int
	}
	tests := []struct {
		inst Inst
		want facts
	}{
		{inst(VPDPBUSD, Z(0), Z(1), M(RAX, 0)), facts{0, true, 2, 64, 4}},
		{inst(VPDPBUSD, Z(0), Z(1), M(RAX, 0).Broadcast()), facts{0, true, 2, 4, 4}},
		{inst(VPADDD, Y(0), Y(1), M(RAX, 0)), facts{0, false, 2, 32, 0}},
		{inst(VPMOVZXBD, Y(0), M(RAX, 0)), facts{0, false, 1, 8, 0}},
		{masked(VPMOVDB, K1, false, M(RAX, 0), Z(3)), facts{0, false, 0, 16, 1}},
		{inst(VPMOVUSDB, X(1), Y(3)), facts{0, false, -1, 0, 1}},
		{inst(VPACKSSDW, Z(1), Z(3), M(RAX, 0).Broadcast()), facts{0, false, 2, 4, 2}},
		{inst(CMP, M(RAX, 0), I(1000)), facts{-1, false, 0, 8, 0}},
		{inst(ADD, M(RAX, 0), R(RCX)), facts{0, true, 0, 8, 0}},
		{inst(LEA, R(RCX), M(RAX, 0)), facts{0, false, 1, 0, 0}},
		{inst(VPERMT2D, Z(1), Z(2), Z(3)), facts{0, true, -1, 0, 4}},
	}
	for _, tt := range tests {
		f, err := Lookup(&tt.inst, AVX512VNNI)
		if err != nil {
			t.Error(err)
			continue
		}
		got := facts{f.Dst(), f.ReadsDst(), f.MemArg(), f.MemSize(), f.MaskElem()}
		if got != tt.want {
			t.Errorf("%v: got %+v, want %+v", &tt.inst, got, tt.want)
		}
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		isa  ISA
		inst Inst
		want string
	}{
		{AVX2, inst(VPADDD, Z(0), Z(1), Z(2)), "vpaddd zmm0, zmm1, zmm2: needs AVX512F, which avx2 does not have"},
		{AVX2, inst(VPADDD, Y(0), Y(1), Y(16)), "needs AVX512F+AVX512VL, which avx2"},
		{AVX2, inst(VPDPBUSD, Y(0), Y(1), Y(2)), "which avx2 does not have"},
		{AVX512VNNI, inst(VPADDD, Y(0), Y(1), Y(32)), "vector register 32 out of range"},
		{AVX512VNNI, inst(VPADDD, Y(0), Y(1), X(2)), "no form has these operands"},
		{AVX512VNNI, inst(VPADDD, Y(0), Y(1)), "no form has these operands"},
		{AVX512VNNI, inst(VPADDD, Y(0), Y(1), Y(2), Y(3), Y(4)), "no form has these operands"},
		{AVX512VNNI, inst(VPADDD, V(48, 0), V(48, 1), V(48, 2)), "no form has these operands"},
		{AVX512VNNI, inst(VPADDB, Z(0), Z(1), M(RAX, 0).Broadcast()), "no form has these operands"},
		{AVX512VNNI, masked(VPSIGNB, K1, false, Y(0), Y(1), Y(2)), "takes no write mask"},
		{AVX512VNNI, masked(VPSADBW, K1, false, Z(0), Z(1), Z(2)), "takes no write mask"},
		{AVX512VNNI, masked(VMOVDQU, K1, true, M(RAX, 0), Z(1)), "takes no zeroing"},
		{AVX512VNNI, masked(VPADDD, K0, true, Z(0), Z(1), Z(2)), "zeroing without a write mask"},
		{AVX512VNNI, masked(VPADDD, 8, true, Z(0), Z(1), Z(2)), "write mask register out of range"},
		{AVX2, inst(MOV, R(16), R(RAX)), "general purpose register out of range"},
		{AVX512VNNI, inst(KMOVW, K(8), R(RAX)), "opmask register out of range"},
		{AVX2, inst(ADD, R(RAX), I(1<<31)), "immediate out of range"},
		{AVX2, inst(VPSLLD, Y(0), Y(0), I(256)), "immediate out of range"},
		{AVX2, inst(MOV, R(RAX), M(RAX, 1<<31)), "displacement out of range"},
		{AVX2, inst(MOV, R(RAX), MX(RAX, RSP, 1, 0)), "RSP cannot be an index"},
		{AVX2, inst(MOV, R(RAX), MX(RAX, RBX, 3, 0)), "scale is not"},
		{AVX2, inst(MOV, R(RAX), M(NoReg, 8)), "without base and index"},
		{AVX2, inst(MOV, R(RAX), M(16, 8)), "base register out of range"},
		{AVX2, inst(ALIGN, I(3)), "not a power of two"},
		{AVX2, inst(JMP, L(0)), "label L0 is not placed"},
		{AVX2, inst(LABEL, L(-1)), "was not made"},
		{AVX2, inst(60000), "no such instruction"},
		{99, inst(RET), "no such instruction"},
	}
	for _, tt := range tests {
		p := NewProgram("test", tt.isa)
		p.Insts = []Inst{tt.inst}
		_, err := p.Encode()
		for _, err := range []error{err, p.Validate()} {
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "program test: instruction 0: ") {
				t.Errorf("got error %q, want %q", err, tt.want)
			}
		}
	}
}

func TestLabelPlacedTwice(t *testing.T) {
	p := NewProgram("test", AVX2)
	l := p.NewLabel()
	p.Place(l)
	p.Place(l)
	if _, err := p.Encode(); err == nil {
		t.Error("no error")
	}
}

func TestAlign(t *testing.T) {
	for n := range 130 {
		p := NewProgram("align", AVX2)
		for range n {
			p.Emit(RET)
		}
		p.Emit(ALIGN, I(64))
		l := p.NewLabel()
		p.Place(l)
		p.Emit(VZEROUPPER)
		code, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if want := (n+63)/64*64 + 3; len(code) != want {
			t.Errorf("%d bytes before ALIGN 64: %d bytes of code, want %d", n, len(code), want)
		}
	}
}

// jumpProgram is full of jumps in both directions, many near the edge of
// what 8 bits reach.
func jumpProgram(seed uint64) *Program {
	rng := rand.New(rand.NewPCG(seed, 0))
	p := NewProgram("jumps", AVX2)
	labels := make([]Label, 40)
	for i := range labels {
		labels[i] = p.NewLabel()
	}
	jumps := []Op{JMP, JE, JNE, JL, JLE, JG, JGE, JB, JBE, JA, JAE}
	for i, l := range labels {
		p.Place(l)
		for range rng.IntN(12) {
			p.Emit(VPADDD, Y(0), Y(1), M(RSI, rng.IntN(200)))
		}
		target := min(max(i+rng.IntN(9)-4, 0), len(labels)-1)
		p.Emit(jumps[rng.IntN(len(jumps))], L(labels[target]))
	}
	return p
}

const jumpsFile = "testdata/jumps.txt"

// TestGoldenJumps compares programs with jumps with what GNU as made of them.
func TestGoldenJumps(t *testing.T) {
	var got strings.Builder
	for seed := range uint64(6) {
		code, err := jumpProgram(seed).Encode()
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString(hex.EncodeToString(code) + "\n")
	}
	if *update {
		writeGoldenJumps(t)
	}
	want, err := os.ReadFile(jumpsFile)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func writeGoldenJumps(t *testing.T) {
	dir := t.TempDir()
	src, obj, bin := filepath.Join(dir, "j.s"), filepath.Join(dir, "j.o"), filepath.Join(dir, "j.bin")
	var out strings.Builder
	for seed := range uint64(6) {
		text := ".intel_syntax noprefix\n" + jumpProgram(seed).String()
		if err := os.WriteFile(src, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, cmd := range [][]string{{"as", "-o", obj, src}, {"objcopy", "-O", "binary", "-j", ".text", obj, bin}} {
			if msg, err := exec.Command(cmd[0], cmd[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %v: %s", cmd, err, msg)
			}
		}
		code, err := os.ReadFile(bin)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(hex.EncodeToString(code) + "\n")
	}
	if err := os.WriteFile(jumpsFile, []byte(out.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestAnyInst encodes nonsense: the answer may be an error, never a panic.
func TestAnyInst(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300_000 {
		p := NewProgram("any", ISA(rng.IntN(4)))
		p.Insts = []Inst{anyInst(rng), inst(LABEL, L(p.NewLabel()))}
		code, err := p.Encode()
		if (err == nil) != (p.Validate() == nil) {
			t.Fatalf("%v: Encode and Validate disagree: %v", &p.Insts[0], err)
		}
		if err == nil && len(code) > 15 && p.Insts[0].Op != ALIGN {
			t.Fatalf("%v: %d bytes", &p.Insts[0], len(code))
		}
		_ = p.String()
	}
}

func anyInst(rng *rand.Rand) Inst {
	in := Inst{Op: Op(rng.IntN(NumOps() + 1)), N: uint8(rng.IntN(6))}
	if forms := Forms(in.Op); len(forms) > 0 && rng.IntN(2) == 0 {
		in = randomInst(&forms[rng.IntN(len(forms))], rng)
	}
	for i := range in.Args {
		if rng.IntN(3) == 0 {
			in.Args[i] = anyOperand(rng)
		}
	}
	if rng.IntN(4) == 0 {
		in.Mask, in.Zero = Mask(rng.IntN(10)), rng.IntN(2) == 0
	}
	return in
}

func anyOperand(rng *rand.Rand) Operand {
	return Operand{
		Kind:  Kind(rng.IntN(9)),
		N:     uint8(rng.IntN(40)),
		Width: Width(rng.IntN(5) * 16),
		Base:  Reg(rng.IntN(20)),
		Index: Reg(rng.IntN(18) - 1),
		Scale: uint8(rng.IntN(10)),
		Bcast: rng.IntN(4) == 0,
		Imm:   int64(rng.Uint64()) >> rng.IntN(64),
	}
}

func BenchmarkEncode(b *testing.B) {
	p := NewProgram("bench", AVX512VNNI)
	loop := p.NewLabel()
	p.Place(loop)
	for i := range 100 {
		p.Emit(VPBROADCASTD, Z(16), MX(RSI, RAX, 1, 4*i))
		for j := range 6 {
			p.Emit(VPDPBUSD, Z(j), Z(16), Z(17+j))
		}
		p.Emit(VMOVDQU, Z(31), M(RDX, 64*i))
		p.Emit(ADD, R(RAX), I(4))
	}
	p.Emit(JNE, L(loop))
	p.Emit(RET)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Encode(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(p.Insts))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Minst/s")
}

func BenchmarkEncodeAVX2(b *testing.B) {
	p := NewProgram("bench", AVX2)
	for i := range 100 {
		p.Emit(VPBROADCASTD, Y(8), MX(RSI, RAX, 1, 4*i))
		for j := range 6 {
			p.Emit(VPMADDWD, Y(9), Y(8), MX(RDX, RCX, 2, 32*j))
			p.Emit(VPADDD, Y(j), Y(j), Y(9))
		}
		p.Emit(ADD, R(RAX), I(4))
	}
	p.Emit(RET)
	for b.Loop() {
		if _, err := p.Encode(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(p.Insts))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Minst/s")
}
