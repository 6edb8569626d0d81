package peak

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
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

// How long to read: a round takes about roundTime, or what it takes to read the
// buffer once. That is long against the tenth of a millisecond in which the
// threads wake up.
const (
	bandwidthRounds = 15
	roundTime       = 5 * time.Millisecond
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

// A reader reads a buffer of its own.
type reader struct {
	code *exec.Code
	data []byte
	args *readArgs
}

// newReader makes a buffer of whole blocks, at least one. Every page is written:
// those that never were are all the same page of zeros, which is in the nearest
// cache.
func newReader(code *exec.Code, bytes, block int) *reader {
	blocks := max(bytes/block, 1)
	r := &reader{code: code, data: pack.Aligned(blocks * block)}
	for i := 0; i < len(r.data); i += 64 {
		r.data[i] = 1
	}
	r.args = &readArgs{buffer: unsafe.Pointer(unsafe.SliceData(r.data)), blocks: int64(blocks), passes: 1}
	return r
}

// once makes one call.
func (r *reader) once() { r.code.Call(unsafe.Pointer(r.args)) }

// bytes is how much one call reads.
func (r *reader) bytes() float64 { return float64(len(r.data)) * float64(r.args.passes) }

// calibrate sets the passes of a round, after one that brings the buffer into
// the cache.
func (r *reader) calibrate() {
	r.once()
	start := time.Now()
	r.once()
	r.args.passes = max(int64(roundTime/max(time.Since(start), 1)), 1)
}

// read returns the rate of each round: the bytes that all read from when the
// first began to when the last was done.
func read(readers []*reader) []float64 {
	begun := make([][bandwidthRounds]time.Time, len(readers))
	done := make([][bandwidthRounds]time.Time, len(readers))
	var all sync.WaitGroup
	meet := newMeeting(len(readers))
	for i, r := range readers {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			r.calibrate()
			for round := range bandwidthRounds {
				meet.wait()
				begun[i][round] = time.Now()
				r.once()
				done[i][round] = time.Now()
			}
		})
	}
	all.Wait()
	rates := make([]float64, bandwidthRounds)
	for round := range rates {
		first, last, bytes := begun[0][round], done[0][round], 0.0
		for i, r := range readers {
			bytes += r.bytes()
			if begun[i][round].Before(first) {
				first = begun[i][round]
			}
			if done[i][round].After(last) {
				last = done[i][round]
			}
		}
		rates[round] = bytes / max(last.Sub(first), 1).Seconds()
	}
	return rates
}

// A meeting is a place where n goroutines wait for each other, again and again.
type meeting struct {
	n       int
	mu      sync.Mutex
	waiting int
	open    chan struct{} // closed when all have come
}

func newMeeting(n int) *meeting { return &meeting{n: n, open: make(chan struct{})} }

func (m *meeting) wait() {
	m.mu.Lock()
	open := m.open
	if m.waiting++; m.waiting == m.n {
		m.waiting, m.open = 0, make(chan struct{})
		close(open)
	}
	m.mu.Unlock()
	<-open
}

// Together returns the sum of what measure returns on threads threads at the
// same time.
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
