package local

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"qtune/internal/cores"
	"qtune/kernels"
	"qtune/measure"
)

// A Fault is a misbehaviour that a Hook makes a candidate show.
type Fault uint8

// What a bad candidate can do.
const (
	NoFault    Fault = iota
	CrashFault       // writes to an address that is not mapped
	HangFault        // never returns
	WrongFault       // gives an output that differs in one byte
)

// A Hook chooses which jobs misbehave, so that tests can see what happens then.
type Hook func(measure.Job) Fault

// Child serves requests from in until it ends. It is the whole of the hidden
// subcommand: in and out are the process's standard input and output, and it
// ends the process when in ends in the middle of a request.
func Child(in io.Reader, out io.Writer, hooks ...Hook) error {
	return newChild(out, kernelRig, hooks).run(in)
}

// run is Child, once it is known where rigs come from.
func (c *child) run(in io.Reader) error {
	// The calling thread is pinned and runs the candidates; others read and
	// collect garbage, between batches only.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(childMemory)
	// Ctrl-C reaches the whole process group; the parent decides what it means.
	signal.Ignore(os.Interrupt)

	r := bufio.NewReader(in)
	var s setup
	if err := readFrame(r, &s); err != nil {
		return fmt.Errorf("measuring child: %w", err)
	}
	core := s.Core
	if core == measure.AnyCore || cores.Pin(core) != nil {
		core = measure.AnyCore // measures all the same, and says so
	}
	if err := c.say(message{Kind: helloMessage, Core: core}); err != nil {
		return err
	}
	for q := range requests(r) {
		switch {
		case errors.Is(q.err, io.EOF):
			return nil
		case q.err != nil:
			return fmt.Errorf("measuring child: %w", q.err)
		}
		if err := c.serve(q.request); err != nil {
			return err
		}
		collect()
	}
	return nil
}

// Memory of a child: beyond childMemory it collects garbage even while it
// measures, and beyond garbageMemory between two batches; layerMemory is for
// inputs and reference outputs of workloads.
const (
	childMemory   = 1 << 30
	garbageMemory = 32 << 20
	layerMemory   = 256 << 20
)

// collect collects garbage where there is enough. After each batch it would be too
// often: the runtime gives memory back that the next batch needs, and each page
// that the system has to clear for it costs as much as copying a hundred.
func collect() {
	allocated := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/frees:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(allocated)
	heap := allocated[0].Value.Uint64() - allocated[1].Value.Uint64()
	if heap > allocated[2].Value.Uint64()+garbageMemory {
		runtime.GC()
	}
}

type requestOrError struct {
	request
	err error
}

// requests reads requests ahead, so that the end of the input ends the process
// even while a candidate loops for ever.
func requests(r *bufio.Reader) <-chan requestOrError {
	ch := make(chan requestOrError)
	go func() {
		defer close(ch)
		for {
			var q request
			err := readFrame(r, &q)
			if errors.Is(err, io.EOF) {
				select {
				case ch <- requestOrError{err: io.EOF}:
				default: // busy with a request whose answer nobody waits for
					os.Exit(1)
				}
				return
			}
			ch <- requestOrError{q, err}
			if err != nil {
				return
			}
		}
	}()
	return ch
}

// A child is the state of a measuring process.
type child struct {
	out    io.Writer
	newRig rigMaker
	hooks  []Hook
	layers *layerCache
	memory kernels.Memory // of the rigs of one job or set of rounds
	clock  *calibration   // nil before the first timed batch
}

func newChild(out io.Writer, newRig rigMaker, hooks []Hook) *child {
	return &child{out: out, newRig: newRig, hooks: hooks, layers: newLayerCache(layerMemory)}
}

func (c *child) say(m message) error { return writeFrame(c.out, m) }

// serve carries out one request.
func (c *child) serve(q request) error {
	if q.Time {
		for start := 0; start < len(q.Jobs); {
			end := start + c.fitting(q.Jobs[start:])
			if err := c.timeJobs(q, start, end); err != nil {
				return err
			}
			start = end
		}
	} else if err := c.checkJobs(q); err != nil {
		return err
	}
	return c.say(message{Kind: endMessage})
}

// checkJobs checks one job after the other.
func (c *child) checkJobs(q request) error {
	for i, j := range q.Jobs {
		if err := c.say(message{Kind: startMessage, Job: i}); err != nil {
			return err
		}
		c.memory.Reuse()
		cand, fail := c.build(j, 1)
		var want digest
		if fail == nil {
			want, fail = c.check(cand)
			cand.close()
		}
		res := fail
		if fail == nil {
			res = &measure.Result{ID: j.ID, CodeHash: cand.hash}
		} else if cand != nil {
			res.CodeHash = cand.hash
		}
		if err := c.say(message{Kind: resultMessage, Job: i, Result: res, Want: want}); err != nil {
			return err
		}
	}
	return nil
}
