package schedules

import "fmt"

// An ISA is an instruction set that kernels are generated for, or Ref.
type ISA string

// Instruction sets, see kernels/x86 for what each includes.
const (
	AVX512VNNI ISA = "avx512vnni"
	AVXVNNI    ISA = "avxvnni"
	AVX2       ISA = "avx2"
	Ref        ISA = "ref" // plain Go, any architecture
)

// ISAs lists the instruction sets with generated code, fastest first.
func ISAs() []ISA { return []ISA{AVX512VNNI, AVXVNNI, AVX2} }

// ParseISA reads an ISA's text.
func ParseISA(s string) (ISA, error) {
	for _, isa := range append(ISAs(), Ref) {
		if s == string(isa) {
			return isa, nil
		}
	}
	return "", fmt.Errorf("unknown target %q (known: avx512vnni, avxvnni, avx2, ref)", s)
}
