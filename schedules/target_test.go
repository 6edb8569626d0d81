package schedules

import (
	"slices"
	"strings"
	"testing"
)

func TestTargetText(t *testing.T) {
	for _, text := range []string{
		"avx512vnni amd-25-17 cores=2 l1d=32768 l2=1048576 l3=33554432",
		"avx2 genuineintel-6-158 cores=16 l1d=0 l2=0 l3=10737418240 brand=Intel(R) Core(TM) i9 brand=x",
		"ref arm64-0-0 cores=1 l1d=0 l2=0 l3=0",
	} {
		target, err := ParseTarget(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if target.String() != text {
			t.Errorf("%s: prints as %s", text, target)
		}
	}
	for _, text := range []string{
		"", "avx2", "avx3 amd-25-17 cores=2 l1d=1 l2=1 l3=1", "avx2 amd-25 cores=2 l1d=1 l2=1 l3=1",
		"avx2 AMD-25-17 cores=2 l1d=1 l2=1 l3=1", "avx2 amd-25-17 cores=2 l1d=1 l2=1", "avx2 amd-25-17 cores=-2 l1d=1 l2=1 l3=1",
		"avx2 amd-25-17 cores=2 l1d=1 l2=1 l3=1 brand=", "avx2 amd-25-17 cores=2 l1d=1 l2=1 l3=1 brand=a  b",
		"avx2 amd-25-17 cores=2 l1d=1 l2=1 l3=1 brand=a\nb", "avx2 amd-25-17 l1d=1 cores=2 l2=1 l3=1", "avx2 amd-25-17 cores=2 l1d=1 l2=1 l3=1 x=1",
	} {
		if got, err := ParseTarget(text); err == nil {
			t.Errorf("%q is read as %s", text, got)
		}
	}
}

func TestHost(t *testing.T) {
	m := HostMachine()
	got, err := ParseMachine(m.String())
	if err != nil || got != m {
		t.Errorf("this machine, %s, is read as %s, %v", m, got, err)
	}
	if m.Cores < 1 {
		t.Errorf("%d cores", m.Cores)
	}
	isas := HostISAs()
	for _, isa := range isas {
		if !slices.Contains(ISAs(), isa) {
			t.Errorf("unknown instruction set %s", isa)
		}
	}
	if slices.Contains(isas, AVX512VNNI) && !slices.Contains(isas, AVX2) {
		t.Errorf("%v: AVX-512 without AVX2", isas)
	}
	other := m
	other.Cores, other.Brand = m.Cores+1, "other"
	if other.Class() != m.Class() {
		t.Error("the class depends on cores or brand")
	}
	if other.L2++; other.Class() == m.Class() {
		t.Error("the class does not depend on the L2 cache")
	}
	if strings.Contains(m.Class(), "cores") {
		t.Error(m.Class())
	}
}

func FuzzParseTarget(f *testing.F) {
	f.Add("avx512vnni amd-25-17 cores=2 l1d=32768 l2=1048576 l3=33554432 brand=AMD EPYC")
	f.Add(Target{AVX2, HostMachine()}.String())
	f.Fuzz(func(t *testing.T, text string) {
		target, err := ParseTarget(text)
		if err == nil && target.String() != text {
			t.Fatalf("%q prints as %q", text, target)
		}
	})
}
