package local

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"runtime/debug"
	"unsafe"

	"qtune/kernels"
	"qtune/measure"
	"qtune/qnn"
)

// A rig is a kernel on buffers of its own; see kernels.Rig.
type rig interface {
	SetInput(x []byte)
	Run() error
	Output() []byte
	Close() error
}

// A rigMaker makes the rig of a job in memory, and returns its code's hash.
type rigMaker func(m *kernels.Memory, j measure.Job, l *layer, copies int) (rig, string, error)

// kernelRig is the rigMaker of generated kernels.
func kernelRig(m *kernels.Memory, j measure.Job, l *layer, copies int) (rig, string, error) {
	if err := l.validate(j); err != nil {
		return nil, "", err
	}
	k, err := kernels.Generate(j.Workload, j.Schedule, j.ISA)
	if err != nil {
		return nil, "", err
	}
	r, err := m.NewRig(k, l.Layer, j.Mode, copies)
	if err != nil {
		return nil, "", err
	}
	return r, k.CodeHash(), nil
}

// A candidate is a job's rig.
type candidate struct {
	job   measure.Job
	layer *layer
	rig   rig
	hash  string // of the code
	fault Fault
}

// build makes the candidate of a job, with several copies of its constants. A
// failure is a Result. A panic of the code generator is one too: it is a bug,
// but of one candidate.
func (c *child) build(j measure.Job, copies int) (cand *candidate, fail *measure.Result) {
	defer func() {
		if r := recover(); r != nil {
			cand, fail = nil, failed(j, measure.BuildError, "%v\n%s", r, debug.Stack())
		}
	}()
	l := c.layers.get(j)
	rig, hash, err := c.newRig(&c.memory, j, l, copies)
	if err != nil {
		return nil, failed(j, measure.BuildError, "%v", err)
	}
	rig.SetInput(l.input)
	cand = &candidate{job: j, layer: l, rig: rig, hash: hash}
	for _, h := range c.hooks {
		if f := h(j); f != NoFault {
			cand.fault = f
		}
	}
	return cand, nil
}

func failed(j measure.Job, s measure.Status, format string, args ...any) *measure.Result {
	r := measure.Failed(j, s, format, args...)
	return &r
}

func (c *candidate) close() {
	if c != nil {
		_ = c.rig.Close() // its memory ends with the process at the latest
	}
}

// run computes the layer once.
func (c *candidate) run() *measure.Result {
	switch c.fault {
	case CrashFault:
		// Not mapped, and too high for the runtime to take it for a nil pointer.
		*(*byte)(unsafe.Add(unsafe.Pointer(nil), 0x7000_0000_0000)) = 0
	case HangFault:
		for hang := true; hang; {
			hang = c.fault == HangFault
		}
	}
	if err := c.rig.Run(); err != nil {
		return failed(c.job, measure.Crash, "%v", err)
	}
	return nil
}

func (c *candidate) output() []byte {
	out := c.rig.Output()
	if c.fault == WrongFault {
		out[len(out)/2] ^= 1
	}
	return out
}

// check runs the candidate once and compares its output with the reference. It
// returns the reference's digest.
func (c *child) check(cand *candidate) (digest, *measure.Result) {
	want := cand.layer.reference()
	if fail := cand.run(); fail != nil {
		return 0, fail
	}
	if got := cand.output(); !bytes.Equal(got, want) {
		return 0, failed(cand.job, measure.WrongAnswer, "%s", difference(cand.layer.Layer, got, want))
	}
	return digestOf(want), nil
}

// verify compares the output of the last of many runs with the reference's
// digest: a child that only times has the candidate in other memory than the
// one that checked it, and several copies of its constants.
func (c *candidate) verify(want digest) *measure.Result {
	if digestOf(c.output()) != want {
		return failed(c.job, measure.WrongAnswer, "right when it was checked, but the output differs from the reference after it was timed")
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func digestOf(out []byte) digest { return digest(crc32.Checksum(out, castagnoli)) }

// difference describes where an output [N][OH][OW][OC] is wrong.
func difference(l *qnn.Layer, got, want []byte) string {
	if len(got) != len(want) {
		return fmt.Sprintf("output of %d bytes, want %d", len(got), len(want))
	}
	count, first := 0, -1
	for i := range want {
		if got[i] == want[i] {
			continue
		}
		if count++; first < 0 {
			first = i
		}
	}
	pixel := first / l.OC
	return fmt.Sprintf("%d of %d bytes differ, the first at n=%d y=%d x=%d c=%d: %d, want %d", count, len(want),
		pixel/(l.OW*l.OH), pixel/l.OW%l.OH, pixel%l.OW, first%l.OC, got[first], want[first])
}
