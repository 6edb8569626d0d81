package x86

import "strings"

// An ISA is the set of instructions that a program may use: one of the
// compiler's targets with machine code. Each includes x86-64 and AVX2 (with
// BMI1/2, POPCNT and MOVBE of the same generation).
type ISA uint8

// Instruction sets.
const (
	AVX2       ISA = iota // VEX, 16 ymm
	AVXVNNI               // AVX2 + VEX-encoded VPDPBUSD and VPDPWSSD
	AVX512VNNI            // AVX-512 F, BW, DQ, VL, VNNI (no VBMI); 32 zmm, masks
	numISAs
)

// A Feature is a set of CPUID feature flags: what a form needs, what an ISA
// has. x86-64 itself is the empty set.
type Feature uint16

// Features, named as in the CPUID column of the manual.
const (
	FeatAVX Feature = 1 << iota
	FeatAVX2
	FeatFMA
	FeatAVXVNNI
	FeatAVX512F
	FeatAVX512BW
	FeatAVX512DQ
	FeatAVX512VL
	FeatAVX512VNNI
)

var isaTable = [numISAs]struct {
	name string
	has  Feature
}{
	AVX2:    {"avx2", FeatAVX | FeatAVX2 | FeatFMA},
	AVXVNNI: {"avxvnni", FeatAVX | FeatAVX2 | FeatFMA | FeatAVXVNNI},
	AVX512VNNI: {"avx512vnni", FeatAVX | FeatAVX2 | FeatFMA |
		FeatAVX512F | FeatAVX512BW | FeatAVX512DQ | FeatAVX512VL | FeatAVX512VNNI},
}

var featureNames = []string{
	"AVX", "AVX2", "FMA", "AVX_VNNI", "AVX512F", "AVX512BW", "AVX512DQ", "AVX512VL", "AVX512_VNNI",
}

// String returns the name by which the command line and the log know the ISA.
func (isa ISA) String() string {
	if isa >= numISAs {
		return "unknown ISA"
	}
	return isaTable[isa].name
}

// Features returns what a CPU must have to run programs for isa; none for an
// ISA that does not exist.
func (isa ISA) Features() Feature {
	if isa >= numISAs {
		return 0
	}
	return isaTable[isa].has
}

// ISAs lists the instruction sets, the smallest first.
func ISAs() []ISA { return []ISA{AVX2, AVXVNNI, AVX512VNNI} }

// String lists the features with "+" between them.
func (f Feature) String() string {
	var names []string
	for i, n := range featureNames {
		if f&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	if names == nil {
		return "x86-64"
	}
	return strings.Join(names, "+")
}
