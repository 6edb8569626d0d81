package emu_test

import (
	"bytes"
	"testing"
	"unsafe"

	"qtune/kernels/emu"
	"qtune/kernels/exec"
	"qtune/kernels/x86"
)

// TestSuppression lets memory operands of masked instructions cross into a
// page that cannot be accessed: CPU and emulator have to agree on whether the
// elements selected are beyond, and on the result if not.
func TestSuppression(t *testing.T) {
	if !exec.Supports(x86.AVX512VNNI) {
		t.Skip("needs AVX512_VNNI")
	}
	data, err := exec.Alloc(64)
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Free(data)
	faults := 0
	forEachForm(x86.AVX512VNNI, func(f *x86.Form) {
		if f.MemArg() < 0 || f.MaskElem() == 0 {
			return
		}
		for round := range cpuRounds {
			tr := newTrial(f, x86.AVX512VNNI, round)
			if tr.compareAtEnd(t, f, randomFor(f, cpuRounds+round), data) {
				faults++
			}
		}
	})
	if faults == 0 {
		t.Error("nothing faulted")
	}
}

// compareAtEnd runs tr with its operand crossing the end of data, and tells
// whether it faulted.
func (tr *trial) compareAtEnd(t *testing.T, f *x86.Form, r random, data []byte) bool {
	t.Helper()
	inside := r.n(f.MemSize())
	beyond := r.src.Uint64() // few elements, so that there often is none
	beyond &= r.src.Uint64()
	tr.before.k[tr.in.Mask] &= 1<<(inside/f.MaskElem()) - 1 | beyond
	start := uint64(uintptr(unsafe.Pointer(&data[0])))
	r.point(&tr.before, &tr.in, start+uint64(len(data)-inside))

	var content, afterCPU [64]byte
	r.elements(content[:])
	code, err := tr.prog.Encode()
	if err != nil {
		t.Fatal(err)
	}
	native, err := exec.Map(code)
	if err != nil {
		t.Fatal(err)
	}
	defer native.Close()
	emulated, err := emu.Compile(tr.prog)
	if err != nil {
		t.Fatal(err)
	}

	copy(data, content[:])
	want, faultCPU := tr.run(func(s *state) error { return native.TryCall(unsafe.Pointer(s)) })
	copy(afterCPU[:], data)
	copy(data, content[:])
	got, faultEmu := tr.run(func(s *state) error { return s.emulate(emulated, data) })

	switch {
	case (faultCPU == nil) != (faultEmu == nil):
		t.Errorf("%v, %d of %d bytes inside, mask %#x:\nCPU      %v\nemulated %v",
			&tr.in, inside, f.MemSize(), tr.before.k[tr.in.Mask], faultCPU, faultEmu)
	case faultCPU != nil:
		return true
	case got != want || !bytes.Equal(data, afterCPU[:]):
		t.Errorf("%v, %d of %d bytes inside:\nCPU      %s %x\nemulated %s %x",
			&tr.in, inside, f.MemSize(), want, afterCPU, got, data)
	}
	return false
}
