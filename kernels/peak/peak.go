// Package peak measures what a core can do, the yardsticks for kernels: here the
// multiply-accumulate steps of 8-bit integers in a second with the best dot step
// of an instruction set that is always exact, in bandwidth.go the bytes that it
// reads from each cache and from memory.
//
//	avx512vnni  VPDPBUSD zmm             64 steps
//	avxvnni     VPDPBUSD ymm             32
//	avx2        VPMADDWD + VPADDD ymm    16
//
// A small generated program does nothing but that, on registers, with so many
// independent accumulators that the latency of the step does not matter. Where
// a step is two instructions their order counts, by a few percent that depend on
// how the CPU hands them to its ports: several orders are tried, and the fastest
// is the peak.
package peak

import (
	"fmt"
	"math"
	"runtime"
	"time"
	"unsafe"

	"qtune/kernels/exec"
	"qtune/kernels/x86"
	"qtune/schedules"
)

// A step is the best dot step of an instruction set.
type step struct {
	name  string
	isa   x86.ISA
	macs  int // multiply-accumulate steps of one
	loops []loop
}

// A loop does a step on each of its accumulators.
type loop struct {
	steps int
	emit  func(p *x86.Program)
}

var stepsOf = map[schedules.ISA]step{
	schedules.AVX512VNNI: {"VPDPBUSD zmm", x86.AVX512VNNI, 64, []loop{vnni(x86.W512)}},
	schedules.AVXVNNI:    {"VPDPBUSD ymm", x86.AVXVNNI, 32, []loop{vnni(x86.W256)}},
	schedules.AVX2:       {"VPMADDWD + VPADDD ymm", x86.AVX2, 16, []loop{madd(12, 1), madd(12, 2), madd(8, 4), madd(6, 6)}},
}

// StepName names the dot step of isa by its instructions; empty for Ref.
func StepName(isa schedules.ISA) string { return stepsOf[isa].name }

// The factors are in these registers; what they hold does not matter.
const factorA, factorB = 14, 15

// vnni uses 12 accumulators: enough for 2 steps a clock of 5 clocks latency.
func vnni(w x86.Width) loop {
	const accumulators = 12
	return loop{accumulators, func(p *x86.Program) {
		for acc := range accumulators {
			p.Emit(x86.VPDPBUSD, x86.V(w, acc), x86.V(w, factorA), x86.V(w, factorB))
		}
	}}
}

// madd computes group products before it adds them.
func madd(accumulators, group int) loop {
	return loop{accumulators, func(p *x86.Program) {
		temporaries := factorA - accumulators
		for first := 0; first < accumulators; first += group {
			for acc := first; acc < first+group; acc++ {
				p.Emit(x86.VPMADDWD, x86.Y(accumulators+acc%temporaries), x86.Y(factorA), x86.Y(factorB))
			}
			for acc := first; acc < first+group; acc++ {
				p.Emit(x86.VPADDD, x86.Y(acc), x86.Y(acc), x86.Y(accumulators+acc%temporaries))
			}
		}
	}}
}

// program repeats the loop: [RDI] holds the number of rounds, at least 1.
func (l loop) program(isa x86.ISA) *x86.Program {
	p := x86.NewProgram("peak", isa)
	for r := range 16 {
		p.Emit(x86.VPXOR, x86.Y(r), x86.Y(r), x86.Y(r))
	}
	p.Emit(x86.MOV, x86.R(x86.RCX), x86.M(x86.RDI, 0))
	again := p.NewLabel()
	p.Place(again)
	l.emit(p)
	p.Emit(x86.DEC, x86.R(x86.RCX))
	p.Emit(x86.JNE, x86.L(again))
	p.Emit(x86.VZEROUPPER)
	p.Emit(x86.RET)
	return p
}

// How long to measure: the fastest of many short samples, spread over enough
// time to meet the machine undisturbed.
const (
	samples      = 300
	sampleRounds = 20_000 // some 30 to 80 us
)

// Measure returns the multiply-accumulate steps per second that this core
// reaches with isa.
func Measure(isa schedules.ISA) (float64, error) {
	s, err := stepOf(isa)
	if err != nil {
		return 0, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	best := 0.0
	for _, l := range s.loops {
		d, err := l.fastest(s.isa)
		if err != nil {
			return 0, err
		}
		best = max(best, float64(sampleRounds*l.steps*s.macs)/d.Seconds())
	}
	return best, nil
}

// stepOf returns the dot step of isa, if this CPU executes it.
func stepOf(isa schedules.ISA) (step, error) {
	s, ok := stepsOf[isa]
	if !ok {
		return step{}, fmt.Errorf("no dot step is known for target %s", isa)
	}
	if !exec.Supports(s.isa) {
		return step{}, fmt.Errorf("this CPU does not execute target %s", isa)
	}
	return s, nil
}

// MeasureInstructions returns the vector instructions per second that this core
// reaches with isa, at its full width: additions, which more of a CPU's ports
// take than any other, so that no program does better.
func MeasureInstructions(isa schedules.ISA) (float64, error) {
	s, err := stepOf(isa)
	if err != nil {
		return 0, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l := additions(vectorWidth(isa))
	d, err := l.fastest(s.isa)
	return float64(sampleRounds*l.steps) / d.Seconds(), err
}

// additions uses 12 accumulators: enough for 12 additions a clock.
func additions(w x86.Width) loop {
	const accumulators = 12
	return loop{accumulators, func(p *x86.Program) {
		for acc := range accumulators {
			p.Emit(x86.VPADDD, x86.V(w, acc), x86.V(w, acc), x86.V(w, factorA))
		}
	}}
}

// vectorWidth is the width of the registers of isa.
func vectorWidth(isa schedules.ISA) x86.Width {
	_, lanes := schedules.Registers(isa)
	return x86.Width(4 * lanes)
}

// fastest returns the time of the fastest sample.
func (l loop) fastest(isa x86.ISA) (time.Duration, error) {
	bytes, err := l.program(isa).Encode()
	if err != nil {
		return 0, err
	}
	code, err := exec.Map(bytes)
	if err != nil {
		return 0, err
	}
	rounds := new(int64)
	*rounds = sampleRounds
	best := time.Duration(math.MaxInt64)
	for range samples {
		start := time.Now()
		code.Call(unsafe.Pointer(rounds))
		best = min(best, time.Since(start))
	}
	runtime.KeepAlive(rounds)
	return best, code.Close()
}
