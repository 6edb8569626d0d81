package schedules

import (
	"fmt"
	"strings"
)

// A Target is what code is generated for and measured on: what is legal depends
// on the instruction set alone, what is fast on the whole. Its text is
//
//	avx512vnni amd-25-17 cores=2 l1d=32768 l2=1048576 l3=33554432 brand=AMD EPYC 9R14
type Target struct {
	ISA     ISA
	Machine Machine
}

// A Machine is a CPU as far as speed depends on it. Sizes are in bytes, of the
// caches that one core sees; 0 means unknown.
type Machine struct {
	Vendor        string // lower-case letters and digits, such as "amd"
	Family, Model int
	Brand         string // as the CPU calls itself; printable ASCII; may be empty
	Cores         int    // logical processors that the process may use
	L1D, L2, L3   int
}

// Class is the text of what makes two machines alike enough to share
// measurements: the CPU's model and caches, but not how many cores a process or
// a virtual machine was given, nor the brand.
func (m Machine) Class() string {
	return fmt.Sprintf("%s-%d-%d l1d=%d l2=%d l3=%d", m.Vendor, m.Family, m.Model, m.L1D, m.L2, m.L3)
}

// Alike tells whether m and o have the same Class.
func (m Machine) Alike(o Machine) bool {
	m.Cores, m.Brand = o.Cores, o.Brand
	return m == o
}

// String returns the canonical text.
func (m Machine) String() string {
	s := fmt.Sprintf("%s-%d-%d cores=%d l1d=%d l2=%d l3=%d", m.Vendor, m.Family, m.Model, m.Cores, m.L1D, m.L2, m.L3)
	if m.Brand != "" {
		s += " brand=" + m.Brand
	}
	return s
}

// ParseMachine is the inverse of String.
func ParseMachine(s string) (Machine, error) {
	m, err := parseMachine(s)
	if err != nil {
		return Machine{}, fmt.Errorf("machine %s: %w", quote(s), err)
	}
	return m, nil
}

func parseMachine(s string) (Machine, error) {
	const longest = 256
	if len(s) > longest {
		return Machine{}, fmt.Errorf("%d bytes, at most %d are allowed", len(s), longest)
	}
	var m Machine
	head, brand, branded := strings.Cut(s, " brand=")
	if branded && (brand == "" || cleanBrand(brand) != brand) {
		return Machine{}, fmt.Errorf("brand %q: want printable words", brand)
	}
	m.Brand = brand
	words := strings.Split(head, " ")
	if len(words) != 5 {
		return Machine{}, fmt.Errorf("want vendor-family-model cores= l1d= l2= l3= brand=")
	}
	cpu := strings.Split(words[0], "-")
	if len(cpu) != 3 || !isValue(cpu[0]) {
		return Machine{}, fmt.Errorf("%q is not vendor-family-model", words[0])
	}
	m.Vendor = cpu[0]
	numbers := []struct {
		word, prefix string
		to           *int
	}{
		{cpu[1], "", &m.Family}, {cpu[2], "", &m.Model}, {words[1], "cores=", &m.Cores},
		{words[2], "l1d=", &m.L1D}, {words[3], "l2=", &m.L2}, {words[4], "l3=", &m.L3},
	}
	for _, n := range numbers {
		body, ok := strings.CutPrefix(n.word, n.prefix)
		if !ok {
			return Machine{}, fmt.Errorf("%q where %s... is expected", n.word, n.prefix)
		}
		var err error
		if *n.to, err = parseNumber(body); err != nil {
			return Machine{}, err
		}
	}
	return m, nil
}

// cleanBrand keeps printable ASCII, with words separated by one space.
func cleanBrand(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// String returns the canonical text.
func (t Target) String() string { return string(t.ISA) + " " + t.Machine.String() }

// ParseTarget is the inverse of String.
func ParseTarget(s string) (Target, error) {
	name, machine, _ := strings.Cut(s, " ")
	isa, err := ParseISA(name)
	if err != nil {
		return Target{}, err
	}
	m, err := ParseMachine(machine)
	if err != nil {
		return Target{}, err
	}
	return Target{isa, m}, nil
}
