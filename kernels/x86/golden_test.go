package x86_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "qtune/kernels/x86"
)

var update = flag.Bool("update", false, "rewrite testdata/golden.txt with GNU as")

const (
	goldenFile   = "testdata/golden.txt"
	casesPerForm = 4
)

// A goldenCase is an instruction under an ISA whose machine code GNU as has
// been asked for.
type goldenCase struct {
	isa  ISA
	inst Inst
	form *Form
}

// goldenCases makes the cases: each form of the table under the first ISA
// that has it, with random operands. A form's cases depend on nothing but the
// form, so a new row only adds lines.
func goldenCases() []goldenCase {
	var cases []goldenCase
	for op := range Op(NumOps()) {
		forms := Forms(op)
		for i := range forms {
			f := &forms[i]
			if op == LABEL || op == ALIGN || f.Class(0) == ClassLabel {
				continue
			}
			h := fnv.New64a()
			fmt.Fprintf(h, "%v %v %v %v %x", op, f, f.Width(), f.Source(), classes(f))
			rng := rand.New(rand.NewPCG(h.Sum64(), 1))
			cases = append(cases, casesOf(f, rng)...)
		}
	}
	return cases
}

func classes(f *Form) (c [4]Class) {
	for i := range c {
		c[i] = f.Class(i)
	}
	return c
}

// casesOf makes the cases of one form. Random operands may get a form that
// the encoder prefers; such a case tests that one and is kept.
func casesOf(f *Form, rng *rand.Rand) []goldenCase {
	var cases []goldenCase
	seen := map[string]bool{}
	for try := 0; len(cases) < casesPerForm && try < 20*casesPerForm; try++ {
		in := randomInst(f, rng)
		for _, isa := range ISAs() {
			if f.Needs()&^isa.Features() != 0 {
				continue
			}
			if _, err := Lookup(&in, isa); err == nil && !seen[in.String()] {
				seen[in.String()] = true
				cases = append(cases, goldenCase{isa, in, f})
			}
			break
		}
	}
	return cases
}

// randomInst returns an instruction with the operand classes of f.
func randomInst(f *Form, rng *rand.Rand) Inst {
	in := Inst{Op: f.Op(), N: uint8(f.NumArgs())}
	regs := 16
	if f.EVEX() {
		regs = 32
	}
	for i := range in.N {
		in.Args[i] = randomOperand(f, int(i), regs, rng)
	}
	if f.MaskElem() > 0 && rng.IntN(2) == 0 {
		in.Mask = Mask(1 + rng.IntN(7))
		in.Zero = f.Zeroing() && rng.IntN(2) == 0
	}
	return in
}

func randomOperand(f *Form, i, regs int, rng *rand.Rand) Operand {
	switch c := f.Class(i); c {
	case ClassReg:
		if strings.Contains(f.String(), "rax") {
			return R(RAX)
		}
		return R(Reg(rng.IntN(16)))
	case ClassMask:
		return K(Mask(rng.IntN(8)))
	case ClassMem:
		return randomMem(f, rng)
	case ClassBcast:
		return randomMem(f, rng).Broadcast()
	case ClassX, ClassY, ClassZ:
		return V(W128<<(c-ClassX), rng.IntN(regs))
	case ClassImm:
		return I(randomImm(f, rng))
	}
	return Operand{}
}

// randomMem picks base, index and displacement with the special cases of
// ModRM and SIB and the edges of compressed displacements in mind.
func randomMem(f *Form, rng *rand.Rand) Operand {
	n := max(f.MemSize(), 1)
	disps := []int{
		0, 0, 1, n, -n, 127, 128, -128, -129, 127 * n, 128 * n, -128 * n, -129 * n,
		8*n + 1, 1000, -1 << 31, 1<<31 - 1, rng.IntN(256*n) - 128*n,
	}
	disp := disps[rng.IntN(len(disps))]
	bases := []Reg{RSP, RBP, R12, R13, Reg(rng.IntN(16)), Reg(rng.IntN(16))}
	base := bases[rng.IntN(len(bases))]
	if rng.IntN(2) == 0 {
		return M(base, disp)
	}
	index := Reg(rng.IntN(16))
	if index == RSP {
		index = R12
	}
	scale := 1 << rng.IntN(4)
	if scale > 1 && rng.IntN(8) == 0 {
		base = NoReg
	}
	return MX(base, index, scale, disp)
}

func randomImm(f *Form, rng *rand.Rand) int {
	lo, hi := f.ImmRange()
	switch rng.IntN(4) {
	case 0:
		return int(lo)
	case 1:
		return int(hi)
	case 2:
		return int(lo/2 + hi/2)
	}
	return int(lo + int64(rng.Uint64()%uint64(max(hi-lo, 1))))
}

func (c *goldenCase) text() string { return c.inst.Text(c.isa) }

// TestGolden compares the machine code of every form with what GNU as made of
// the printed instruction when testdata was written.
func TestGolden(t *testing.T) {
	cases := goldenCases()
	if *update {
		writeGolden(t, cases)
	}
	data, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if len(lines) != len(cases) {
		t.Fatalf("%d cases, %d lines in %s: run with -update", len(cases), len(lines), goldenFile)
	}
	bad := 0
	for i, c := range cases {
		text, want, _ := strings.Cut(lines[i], " # ")
		if got := c.isa.String() + " " + c.text(); got != text {
			t.Fatalf("case %d is %q, %s has %q: run with -update", i, got, goldenFile, text)
		}
		if got := encodeOne(t, c); got != want {
			if bad++; bad < 50 {
				t.Errorf("%s\n got %s\nwant %s", text, got, want)
			}
		}
	}
	t.Logf("%d cases, %d wrong", len(cases), bad)
}

func encodeOne(t *testing.T, c goldenCase) string {
	p := NewProgram("golden", c.isa)
	p.Insts = []Inst{c.inst}
	code, err := p.Encode()
	if err != nil {
		t.Error(err)
	}
	return hex.EncodeToString(code)
}

// TestGoldenCoversEveryOp makes sure that an instruction added to op.go gets
// a row, and cases that are encoded by its own rows.
func TestGoldenCoversEveryOp(t *testing.T) {
	covered := map[*Form]bool{}
	for _, c := range goldenCases() {
		f, err := Lookup(&c.inst, c.isa)
		if err != nil {
			t.Fatal(err)
		}
		covered[f] = true
	}
	for op := range Op(NumOps()) {
		forms := Forms(op)
		if len(forms) == 0 {
			t.Errorf("%v has no row", op)
		}
		for i := range forms {
			if f := &forms[i]; f.Class(0) != ClassLabel && op != ALIGN && !covered[f] {
				t.Errorf("%v (%v, width %d) has no case", f, f.Source(), f.Width())
			}
		}
	}
}

var listingLine = regexp.MustCompile(`^ *\d+ [0-9a-f]{4,} ((?:[0-9A-F]+ )+)`)

// writeGolden asks GNU as for the machine code of the cases.
func writeGolden(t *testing.T, cases []goldenCase) {
	var src bytes.Buffer
	src.WriteString(".intel_syntax noprefix\n")
	for _, c := range cases {
		if c.isa == AVXVNNI && (c.inst.Op == VPDPBUSD || c.inst.Op == VPDPWSSD) {
			src.WriteString("{vex} ") // as prefers EVEX for these
		}
		src.WriteString(c.text() + "\n")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "golden.s")
	if err := os.WriteFile(file, src.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	as := exec.Command("as", "-aln", "--listing-lhs-width=8", "-o", filepath.Join(dir, "golden.o"), file)
	listing, err := as.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, err.(*exec.ExitError).Stderr)
	}
	var out bytes.Buffer
	i := 0
	for sc := bufio.NewScanner(bytes.NewReader(listing)); sc.Scan(); {
		m := listingLine.FindStringSubmatch(sc.Text())
		if m == nil {
			continue
		}
		fmt.Fprintf(&out, "%s %s # %s\n", cases[i].isa, cases[i].text(), strings.ToLower(strings.ReplaceAll(m[1], " ", "")))
		i++
	}
	if i != len(cases) {
		t.Fatalf("as listed %d instructions of %d", i, len(cases))
	}
	if err := os.WriteFile(goldenFile, out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}
