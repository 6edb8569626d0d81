package exec

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/klauspost/cpuid/v2"

	. "qtune/kernels/x86"
)

// needISA skips a test on machines that cannot run its code.
func needISA(t testing.TB, isa ISA) {
	t.Helper()
	if !Supports(isa) {
		t.Skipf("this machine does not run %v", isa)
	}
}

func mustMap(t testing.TB, p *Program) *Code {
	t.Helper()
	b, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Map(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// addArgs is the argument block of addProgram.
type addArgs struct {
	dst, a, b unsafe.Pointer
	n         uint64 // vectors
}

// addProgram adds two arrays of n vectors of 32-bit numbers.
func addProgram(isa ISA, w Width) *Program {
	p := NewProgram("add", isa)
	loop := p.NewLabel()
	for i, r := range []Reg{RAX, RSI, RDX, RCX} {
		p.Emit(MOV, R(r), M(RDI, 8*i))
	}
	p.Emit(ALIGN, I(32))
	p.Place(loop)
	p.Emit(VMOVDQU, V(w, 0), M(RSI, 0))
	p.Emit(VPADDD, V(w, 0), V(w, 0), M(RDX, 0))
	p.Emit(VMOVDQU, M(RAX, 0), V(w, 0))
	for _, r := range []Reg{RAX, RSI, RDX} {
		p.Emit(ADD, R(r), I(int(w)))
	}
	p.Emit(DEC, R(RCX))
	p.Emit(JNE, L(loop))
	p.Emit(VZEROUPPER)
	p.Emit(RET)
	return p
}

func TestAddArrays(t *testing.T) {
	for isa, w := range map[ISA]Width{AVX2: W256, AVX512VNNI: W512} {
		t.Run(isa.String(), func(t *testing.T) {
			needISA(t, isa)
			c := mustMap(t, addProgram(isa, w))
			n := 10 * int(w) / 4
			a, b, got, want := make([]int32, n), make([]int32, n), make([]int32, n), make([]int32, n)
			for i := range a {
				a[i], b[i] = rand.Int32(), rand.Int32()
				want[i] = a[i] + b[i]
			}
			c.Call(unsafe.Pointer(&addArgs{unsafe.Pointer(&got[0]), unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), 10}))
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// constProgram stores n where RDI points to.
func constProgram(n int) *Program {
	p := NewProgram("const", AVX2)
	p.Emit(MOV, R(R14), I(n)) // R14 is Go's goroutine pointer, free for the code
	p.Emit(MOV, M(RDI, 0), R(R14))
	p.Emit(RET)
	return p
}

func TestMapAll(t *testing.T) {
	needISA(t, AVX2)
	var codes [][]byte
	for i := range 100 {
		b, err := constProgram(i * 1e9).Encode()
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, b)
	}
	all, err := MapAll(codes)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i, c := range all {
		if c.Addr()%codeAlign != 0 || c.Size() != len(codes[i]) {
			t.Errorf("code %d: address %#x, size %d", i, c.Addr(), c.Size())
		}
		wg.Go(func() {
			got := new(int)
			if c.Call(unsafe.Pointer(got)); *got != i*1e9 {
				t.Errorf("code %d returned %d", i, *got)
			}
		})
	}
	wg.Wait()
	addr := all[0].Addr()
	for i, c := range all {
		if mapping(t, addr) == "" {
			t.Fatalf("unmapped with %d codes left", len(all)-i)
		}
		if err := errors.Join(c.Close(), c.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if m := mapping(t, addr); strings.HasPrefix(m, "r-x") {
		t.Errorf("still mapped after Close: %s", m)
	}
}

func TestMapEmpty(t *testing.T) {
	if _, err := Map(nil); err == nil {
		t.Error("no error")
	}
}

// mapping returns the permissions of the mapping at addr, "" without one.
func mapping(t *testing.T, addr uintptr) string {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(maps)) {
		var lo, hi uintptr
		var perm string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &lo, &hi, &perm); err == nil && lo <= addr && addr < hi {
			return perm
		}
	}
	return ""
}

func TestNeverWritableAndExecutable(t *testing.T) {
	needISA(t, AVX2)
	c := mustMap(t, constProgram(1))
	if m := mapping(t, c.Addr()); m != "r-xp" {
		t.Errorf("code is mapped %q", m)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	if bytes.Contains(maps, []byte(" rwx")) {
		t.Errorf("writable and executable memory:\n%s", maps)
	}
}

// copyProgram copies one ymm from [RDI] to [RDI+8], through the pointers
// there.
func copyProgram() *Program {
	p := NewProgram("copy", AVX2)
	p.Emit(MOV, R(RSI), M(RDI, 0))
	p.Emit(MOV, R(RAX), M(RDI, 8))
	p.Emit(VMOVDQU, Y(0), M(RSI, 0))
	p.Emit(VMOVDQU, M(RAX, 0), Y(0))
	p.Emit(VZEROUPPER)
	p.Emit(RET)
	return p
}

func TestGuards(t *testing.T) {
	needISA(t, AVX2)
	c := mustMap(t, copyProgram())
	src := make([]byte, 32)
	for i := range src {
		src[i] = byte(i)
	}
	for _, n := range []int{32, 33, 4096, 10000} {
		for name, alloc := range map[string]func(int) ([]byte, error){"Alloc": Alloc, "AllocAfter": AllocAfter} {
			b, err := alloc(n)
			if err != nil {
				t.Fatal(err)
			}
			if len(b) != n || cap(b) != n {
				t.Errorf("%s(%d): len %d, cap %d", name, n, len(b), cap(b))
			}
			try := func(offset int) error {
				dst := unsafe.Add(unsafe.Pointer(&b[0]), offset)
				return c.TryCall(unsafe.Pointer(&[2]unsafe.Pointer{unsafe.Pointer(&src[0]), dst}))
			}
			if err := errors.Join(try(0), try(n-32)); err != nil {
				t.Errorf("%s(%d): %v", name, n, err)
			}
			if !bytes.Equal(b[n-32:], src) {
				t.Errorf("%s(%d): got %v", name, n, b)
			}
			outside := n - 31
			if name == "AllocAfter" {
				outside = -1
			}
			var fault *Fault
			if err := try(outside); !errors.As(err, &fault) {
				t.Errorf("%s(%d): write at %d: %v", name, n, outside, err)
			}
			if err := Free(b); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := Alloc(0); err == nil {
		t.Error("Alloc(0): no error")
	}
}

// TestFaultIsOver checks that the goroutine is sound after a fault, and that
// the address of the fault is told.
func TestFaultIsOver(t *testing.T) {
	needISA(t, AVX2)
	c := mustMap(t, copyProgram())
	for range 100 {
		err := c.TryCall(unsafe.Pointer(&[2]uintptr{0x123456, 0}))
		var fault *Fault
		if !errors.As(err, &fault) || fault.Addr != 0x123456 {
			t.Fatal(err)
		}
	}
	var fault *Fault
	if err := c.TryCall(unsafe.Pointer(&[2]uintptr{1 << 63, 0})); !errors.As(err, &fault) {
		t.Fatal(err)
	}
	if got := strings.Repeat("x", 5); got != "xxxxx" {
		t.Error(got)
	}
}

func TestSupportedBy(t *testing.T) {
	base := []cpuid.FeatureID{cpuid.AVX, cpuid.AVX2, cpuid.FMA3, cpuid.BMI1, cpuid.BMI2, cpuid.POPCNT, cpuid.MOVBE}
	avx512 := []cpuid.FeatureID{cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512DQ, cpuid.AVX512VL, cpuid.AVX512VNNI}
	tests := []struct {
		has  []cpuid.FeatureID
		want []ISA
	}{
		{nil, nil},
		{base[:6], nil},
		{base, []ISA{AVX2}},
		{slices.Concat(base, avx512[:4]), []ISA{AVX2}},
		{slices.Concat(base, avx512[1:]), []ISA{AVX2}},
		{slices.Concat(base, []cpuid.FeatureID{cpuid.AVXVNNI}), []ISA{AVX2, AVXVNNI}},
		{slices.Concat(base, avx512), []ISA{AVX2, AVX512VNNI}},
	}
	for _, tt := range tests {
		got := supportedBy(func(ids ...cpuid.FeatureID) bool {
			return !slices.ContainsFunc(ids, func(id cpuid.FeatureID) bool { return !slices.Contains(tt.has, id) })
		})
		if !slices.Equal(got, tt.want) {
			t.Errorf("with %v: got %v, want %v", tt.has, got, tt.want)
		}
	}
	t.Logf("this machine: %v", Supported())
}

func BenchmarkCall(b *testing.B) {
	needISA(b, AVX2)
	c := mustMap(b, constProgram(1))
	n := new(int)
	for b.Loop() {
		c.Call(unsafe.Pointer(n))
	}
}

func BenchmarkMap(b *testing.B) {
	needISA(b, AVX2)
	code := bytes.Repeat([]byte{0xc3}, 4000)
	for b.Loop() {
		c, err := Map(code)
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
