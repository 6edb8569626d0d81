package schedules

import (
	"runtime"
	"strings"

	"github.com/klauspost/cpuid/v2"
)

// isaFeatures lists the CPU features of each instruction set. cpuid reports one
// of them only where the operating system saves its registers too (XCR0).
var isaFeatures = map[ISA][]cpuid.FeatureID{
	AVX512VNNI: {cpuid.AVX2, cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512DQ, cpuid.AVX512VL, cpuid.AVX512VNNI},
	AVXVNNI:    {cpuid.AVX2, cpuid.AVXVNNI},
	AVX2:       {cpuid.AVX2},
}

// HostISAs returns the instruction sets that this CPU executes, fastest first.
// It is empty on other architectures, where only Ref runs.
func HostISAs() []ISA {
	var isas []ISA
	for _, isa := range ISAs() {
		if runtime.GOARCH == "amd64" && cpuid.CPU.Supports(isaFeatures[isa]...) {
			isas = append(isas, isa)
		}
	}
	return isas
}

// HostMachine describes this CPU.
func HostMachine() Machine {
	c := &cpuid.CPU
	return Machine{
		Vendor: vendorName(c.VendorID.String()),
		Family: c.Family, Model: c.Model,
		Brand: cleanBrand(c.BrandName),
		Cores: runtime.NumCPU(),
		L1D:   max(c.Cache.L1D, 0), L2: max(c.Cache.L2, 0), L3: max(c.Cache.L3, 0),
	}
}

// vendorName keeps lower-case letters and digits; a vendor that cpuid does not
// know is named after the architecture.
func vendorName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(s))
	if s == "" || s == "vendorunknown" {
		return runtime.GOARCH
	}
	return s
}
