package peak

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"qtune/kernels/exec"
	"qtune/kernels/pack"
	"qtune/kernels/x86"
	"qtune/schedules"
)

// A Bandwidth is how many bytes a second some threads read together: the median
// of several rounds, and the slowest and the fastest of them.
type Bandwidth struct{ Median, Min, Max float64 }

// How long to read: a round takes about roundTime. That is short against the time for which an operating system puts
// a thread aside, so that most rounds are undisturbed.
const (
	bandwidthRounds = 41
	roundTime       = time.Millisecond / 2
)

// MeasureBandwidth returns the bandwidth at which threads threads, at the same
// time, read a buffer of the given bytes each, again and again, with loads of
// the full width of isa.
func MeasureBandwidth(isa schedules.ISA, bytes, threads int) (Bandwidth, error) {
	s, err := stepOf(isa)
	if err != nil {
		return Bandwidth{}, err
	}
	if threads < 1 {
		return Bandwidth{}, fmt.Errorf("%d threads cannot read", threads)
	}
	machineCode, err := loads(s.isa, vectorWidth(isa)).Encode()
	if err != nil {
		return Bandwidth{}, err
	}
	code, err := exec.Map(machineCode)
	if err != nil {
		return Bandwidth{}, err
	}
	readers := make([]*reader, threads)
	for i := range readers {
		readers[i] = newReader(code, bytes, loadsInRound*int(vectorWidth(isa)))
	}
	rates := read(readers)
	slices.Sort(rates)
	return Bandwidth{rates[len(rates)/2], rates[0], rates[len(rates)-1]}, code.Close()
}

// A readArgs is the argument block of the program of loads.
type readArgs struct {
	buffer         unsafe.Pointer
	blocks, passes int64 // both at least 1
}

// loadsInRound is how many registers the program fills before it jumps.
const loadsInRound = 16

// loads reads the blocks of a buffer one after the other, and does so passes
// times. A block is loadsInRound vectors of width w.
func loads(isa x86.ISA, w x86.Width) *x86.Program {
	p := x86.NewProgram("loads", isa)
	arg := func(off uintptr) x86.Operand { return x86.M(x86.RDI, int(off)) }
	p.Emit(x86.MOV, x86.R(x86.RCX), arg(unsafe.Offsetof(readArgs{}.passes)))
	pass, block := p.NewLabel(), p.NewLabel()
	p.Place(pass)
	p.Emit(x86.MOV, x86.R(x86.RSI), arg(unsafe.Offsetof(readArgs{}.buffer)))
	p.Emit(x86.MOV, x86.R(x86.RDX), arg(unsafe.Offsetof(readArgs{}.blocks)))
	p.Place(block)
	for r := range loadsInRound {
		p.Emit(x86.VMOVDQU, x86.V(w, r), x86.M(x86.RSI, r*int(w)))
	}
	p.Emit(x86.ADD, x86.R(x86.RSI), x86.I(loadsInRound*int(w)))
	p.Emit(x86.DEC, x86.R(x86.RDX))
	p.Emit(x86.JNE, x86.L(block))
	p.Emit(x86.DEC, x86.R(x86.RCX))
	p.Emit(x86.JNE, x86.L(pass))
	p.Emit(x86.VZEROUPPER)
	p.Emit(x86.RET)
	return p
}

// A reader reads a buffer of its own: in each call all of it, several times, or
// the next of several parts.
type reader struct {
	code        *exec.Code
	data        []byte
	block       int // bytes
	parts, next int
	args        *readArgs
}

// newReader makes a buffer of whole blocks, at least one. Every page is written:
// those that never were are all the same page of zeros, which is in the nearest
// cache.
func newReader(code *exec.Code, bytes, block int) *reader {
	blocks := max(bytes/block, 1)
	r := &reader{code: code, data: pack.Aligned(blocks * block), block: block, parts: 1}
	for i := 0; i < len(r.data); i += 64 {
		r.data[i] = 1
	}
	r.args = &readArgs{passes: 1}
	return r
}

// once makes one call, and returns how many bytes it read.
func (r *reader) once() float64 {
	blocks := len(r.data) / r.block
	first, end := r.next*blocks/r.parts, (r.next+1)*blocks/r.parts
	r.next = (r.next + 1) % r.parts
	r.args.buffer, r.args.blocks = unsafe.Pointer(&r.data[first*r.block]), int64(end-first)
	r.code.Call(unsafe.Pointer(r.args))
	return float64((end - first) * r.block * int(r.args.passes))
}

// calibrate finds the passes, or parts, of a call of about roundTime: by the
// fastest of a few calls that read the whole buffer once.
func (r *reader) calibrate() (passes int64, parts int) {
	fastest := time.Duration(math.MaxInt64)
	for range 5 {
		start := time.Now()
		r.once()
		fastest = min(fastest, max(time.Since(start), 1))
	}
	return max(int64(roundTime/fastest), 1), max(min(int(fastest/roundTime), len(r.data)/r.block), 1)
}

// warm reads the whole buffer, so that it is in the cache if it fits.
func (r *reader) warm() {
	for range r.parts {
		r.once()
	}
}

// read returns the rate of each round: the bytes that all read from when the
// first began to when the last was done.
func read(readers []*reader) []float64 {
	begun := make([][bandwidthRounds]time.Time, len(readers))
	done := make([][bandwidthRounds]time.Time, len(readers))
	bytes := make([][bandwidthRounds]float64, len(readers))
	passes, parts := readers[0].calibrate()
	var all sync.WaitGroup
	meet := meeting{n: int64(len(readers))}
	for i, r := range readers {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			r.args.passes, r.parts = passes, parts
			r.warm()
			for round := range bandwidthRounds {
				meet.wait()
				begun[i][round] = time.Now()
				bytes[i][round] = r.once()
				done[i][round] = time.Now()
			}
		})
	}
	all.Wait()
	rates := make([]float64, bandwidthRounds)
	for round := range rates {
		first, last, sum := begun[0][round], done[0][round], 0.0
		for i := range readers {
			sum += bytes[i][round]
			if begun[i][round].Before(first) {
				first = begun[i][round]
			}
			if done[i][round].After(last) {
				last = done[i][round]
			}
		}
		rates[round] = sum / max(last.Sub(first), 1).Seconds()
	}
	return rates
}

// A meeting is where n threads wait for each other, again and again. They spin:
// to wake one up takes a tenth of a round.
type meeting struct {
	n    int64
	come atomic.Int64 // all arrivals so far
}

func (m *meeting) wait() {
	const spins = 1000 // some microseconds
	all := (m.come.Add(1) + m.n - 1) / m.n * m.n
	for i := 0; m.come.Load() < all; i++ {
		if i%spins == spins-1 {
			runtime.Gosched()
		}
	}
}

// Together returns the sum of what measure returns on threads threads at the
// same time. Where it returns the best of many samples, threads that share a core
// may each have had theirs while another was set aside: the sum is then too high.
func Together(threads int, measure func() (float64, error)) (float64, error) {
	values, errs := make([]float64, threads), make([]error, threads)
	var all sync.WaitGroup
	for i := range threads {
		all.Go(func() { values[i], errs[i] = measure() })
	}
	all.Wait()
	sum := 0.0
	for i, v := range values {
		if errs[i] != nil {
			return 0, errs[i]
		}
		sum += v
	}
	return sum, nil
}
