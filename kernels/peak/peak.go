// Package peak measures how many multiply-accumulate steps of 8-bit integers a
// core can do in a second with the best dot step of an instruction set that is
// always exact: the yardstick for kernels.
//
//	avx512vnni  VPDPBUSD zmm             64 steps
//	avxvnni     VPDPBUSD ymm             32
//	avx2        VPMADDWD + VPADDD ymm    16
//
// A small generated program does nothing but that, on registers, with so many
// independent accumulators that the latency of the step does not matter.
package peak

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"qtune/kernels/exec"
	"qtune/kernels/x86"
	"qtune/schedules"
)

// accumulators is enough for 2 dot steps a clock of 5 clocks latency.
const accumulators = 12

// A step is one round over all accumulators.
type step struct {
	isa   x86.ISA
	steps int // multiply-accumulate steps of an accumulator in a round
	emit  func(p *x86.Program, acc int)
}

var stepsOf = map[schedules.ISA]step{
	schedules.AVX512VNNI: {x86.AVX512VNNI, 64, func(p *x86.Program, acc int) {
		p.Emit(x86.VPDPBUSD, x86.Z(acc), x86.Z(14), x86.Z(15))
	}},
	schedules.AVXVNNI: {x86.AVXVNNI, 32, func(p *x86.Program, acc int) {
		p.Emit(x86.VPDPBUSD, x86.Y(acc), x86.Y(14), x86.Y(15))
	}},
	schedules.AVX2: {x86.AVX2, 16, func(p *x86.Program, acc int) {
		product := x86.Y(accumulators + acc%2)
		p.Emit(x86.VPMADDWD, product, x86.Y(14), x86.Y(15))
		p.Emit(x86.VPADDD, x86.Y(acc), x86.Y(acc), product)
	}},
}

// program makes the loop: [RDI] holds the number of rounds, at least 1.
func (s step) program() *x86.Program {
	p := x86.NewProgram("peak", s.isa)
	for r := range 16 {
		p.Emit(x86.VPXOR, x86.Y(r), x86.Y(r), x86.Y(r))
	}
	p.Emit(x86.MOV, x86.R(x86.RCX), x86.M(x86.RDI, 0))
	loop := p.NewLabel()
	p.Place(loop)
	for acc := range accumulators {
		s.emit(p, acc)
	}
	p.Emit(x86.DEC, x86.R(x86.RCX))
	p.Emit(x86.JNE, x86.L(loop))
	p.Emit(x86.VZEROUPPER)
	p.Emit(x86.RET)
	return p
}

// How long to measure: the fastest of many short samples, spread over enough
// time to meet the machine undisturbed.
const (
	samples     = 400
	sampleSteps = 20_000 // rounds: some 30 to 80 us
)

// Measure returns the multiply-accumulate steps per second that this core
// reaches with isa.
func Measure(isa schedules.ISA) (float64, error) {
	s, ok := stepsOf[isa]
	if !ok {
		return 0, fmt.Errorf("no dot step is known for target %s", isa)
	}
	if !exec.Supports(s.isa) {
		return 0, fmt.Errorf("this CPU does not execute target %s", isa)
	}
	bytes, err := s.program().Encode()
	if err != nil {
		return 0, err
	}
	code, err := exec.Map(bytes)
	if err != nil {
		return 0, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	rounds := new(int64)
	*rounds = sampleSteps
	best := time.Duration(0)
	for i := range samples {
		start := time.Now()
		code.Call(unsafe.Pointer(rounds))
		if d := time.Since(start); i == 0 || d < best {
			best = d
		}
	}
	runtime.KeepAlive(rounds)
	return float64(sampleSteps*accumulators*s.steps) / best.Seconds(), code.Close()
}
