package emu_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"unsafe"

	"qtune/kernels/exec"
	"qtune/kernels/x86"
)

// cpuRounds is the number of instructions per form compared with the CPU.
const cpuRounds = 12

// native is run on the CPU.
func (tr *trial) native(t *testing.T) string {
	t.Helper()
	code, err := tr.prog.Encode()
	if err != nil {
		t.Fatal(err)
	}
	c, err := exec.Map(code)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := tr.run(func(s *state) error { return c.TryCall(unsafe.Pointer(s)) })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestCPU compares all forms that this CPU has with what it does.
func TestCPU(t *testing.T) {
	isas := exec.Supported()
	if len(isas) == 0 {
		t.Skip("this machine cannot run generated code; TestGolden covers it")
	}
	for _, isa := range isas {
		t.Run(isa.String(), func(t *testing.T) {
			count := 0
			forEachForm(isa, func(f *x86.Form) {
				for round := range cpuRounds {
					// Other instructions than in the golden file.
					tr := newTrial(f, isa, goldenRounds+round)
					got, want := tr.emulate(t), tr.native(t)
					if got != want {
						t.Errorf("%v (mask %d, zero %v):\nemulated %s\nCPU      %s", &tr.in, tr.in.Mask, tr.in.Zero, got, want)
						break
					}
				}
				count++
			})
			t.Logf("%d forms", count)
		})
	}
}

// TestVNNIForms compares the VEX forms of AVX-VNNI, which few CPUs have, with
// the EVEX forms of AVX512_VNNI: the same computation.
func TestVNNIForms(t *testing.T) {
	for _, op := range []x86.Op{x86.VPDPBUSD, x86.VPDPWSSD} {
		forms := x86.Forms(op)
		for i := range forms {
			f := &forms[i]
			if f.EVEX() {
				continue
			}
			for round := range cpuRounds {
				tr := newTrial(f, x86.AVXVNNI, round)
				vex := tr.destination(t)
				tr.prog = around(tr.in, x86.AVX512VNNI)
				if evex := tr.destination(t); !bytes.Equal(vex, evex) {
					t.Fatalf("%v:\nVEX  %x\nEVEX %x", &tr.in, vex, evex)
				}
			}
		}
	}
}

// destination emulates and returns the part of vector operand 0 that a VEX
// program has.
func (tr *trial) destination(t *testing.T) []byte {
	t.Helper()
	tr.emulate(t)
	return tr.s.z[tr.in.Args[0].N][:x86.W256]
}

// writeGolden makes the golden file from what this CPU does.
func writeGolden(t *testing.T) {
	t.Helper()
	if !exec.Supports(x86.AVX512VNNI) {
		t.Fatal("-update needs AVX512_VNNI")
	}
	var out bytes.Buffer
	forEachForm(x86.AVX512VNNI, func(f *x86.Form) {
		for round := range goldenRounds {
			tr := newTrial(f, x86.AVX512VNNI, round)
			fmt.Fprintf(&out, "%v: %s\n", &tr.in, tr.native(t))
		}
	})
	if err := os.WriteFile(goldenFile, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
