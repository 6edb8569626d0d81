package remote

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"qtune/kernels"
	"qtune/measure"
	"qtune/schedules"
)

// A Batch is schedules of one workload, to be measured in turn on one core.
type Batch struct {
	ID    string // unique; comes back in the Answer
	Tuner string
	Kind  Kind
	Jobs  []measure.Job // of one workload, instruction set, protocol and seed
	// Avoid is a worker that should not take it, because another's answer is wanted.
	Avoid string
}

// MaxJobs is how many schedules a batch may have.
const MaxJobs = 64

// Further limits of a batch. They leave room for what a tuner asks for (8 jobs; finals of
// 32 samples), and keep what a stranger asks for short.
const (
	maxLayerBytes  = 512 << 20        // input, weights and output of the workload
	maxLayerMACs   = 200e9            // a pass takes the reference a few minutes
	maxBatchTime   = 60 * time.Second // of samples, at the length the protocol asks for
	maxSlowTime    = 10 * time.Minute // of samples, where a schedule does slowMACs a second
	slowMACs       = 5e9
	maxAnswer      = 8192 // samples of all jobs: an answer has room for them
	maxText        = 1 << 10
	maxIDCharacter = 64
)

// wireBatch is a Batch as JSON.
type wireBatch struct {
	V         int
	ID        string
	Tuner     string
	Generator string
	ISA       string
	Class     string
	Workload  string
	Protocol  string
	Seed      uint64
	Avoid     string `json:",omitempty"`
	Jobs      []wireJob
}

type wireJob struct {
	ID       uint64
	Schedule string
	GiveUp   measure.Nanos `json:",omitempty"`
}

// Encode returns the wire form, once it is sure that Decode takes it.
func (b *Batch) Encode() ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, brief("batch "+clip(b.ID), err)
	}
	first := b.Jobs[0]
	w := wireBatch{
		V: Version, ID: b.ID, Tuner: b.Tuner, Generator: b.Kind.Generator, ISA: string(b.Kind.ISA), Class: b.Kind.Class,
		Workload: first.Workload.String(), Protocol: first.Protocol.String(), Seed: first.Seed, Avoid: b.Avoid,
	}
	for _, j := range b.Jobs {
		w.Jobs = append(w.Jobs, wireJob{j.ID, j.Schedule.String(), j.GiveUp})
	}
	data, err := json.Marshal(w)
	if err == nil && len(data) > MaxMessage {
		err = fmt.Errorf("batch of %d bytes, at most %d are allowed", len(data), MaxMessage)
	}
	return data, err
}

// A VersionError is a batch for another protocol or another code generator: it is
// refused by name before any work.
type VersionError struct{ What, Theirs, Ours string }

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s version %q is asked for, this is %q", e.What, clip(e.Theirs), e.Ours)
}

// DecodeBatch reads a batch that came from anywhere. Where it fails, but the
// batch's ID and tuner could be read, these are returned, so that an answer can say
// why. An error that is a *VersionError is of another version.
func DecodeBatch(data []byte) (*Batch, error) {
	var w wireBatch
	err := decode("batch", MaxMessage, data, &w)
	if version := (*VersionError)(nil); err != nil && !errors.As(err, &version) {
		return nil, err
	}
	b := &Batch{ID: w.ID, Tuner: w.Tuner, Avoid: w.Avoid, Kind: Kind{Generator: w.Generator, ISA: schedules.ISA(w.ISA), Class: w.Class}}
	if err := cmp.Or(checkID(b.ID), CheckName(b.Tuner)); err != nil {
		return nil, brief("batch", err)
	}
	if err != nil {
		return b, err
	}
	if w.Generator != kernels.Generator {
		return b, &VersionError{"generator", w.Generator, kernels.Generator}
	}
	if err := cmp.Or(w.jobs(b), b.check()); err != nil {
		return b, brief("batch "+b.ID, err)
	}
	return b, nil
}

// jobs parses what is to be measured.
func (w *wireBatch) jobs(b *Batch) error {
	if len(w.Jobs) == 0 || len(w.Jobs) > MaxJobs {
		return fmt.Errorf("%d jobs, want 1 to %d", len(w.Jobs), MaxJobs)
	}
	isa, err := schedules.ParseISA(w.ISA)
	if err != nil {
		return err
	}
	workload, err := schedules.ParseWorkload(w.Workload)
	if err != nil {
		return err
	}
	protocol, err := measure.ParseProtocol(w.Protocol)
	if err != nil {
		return err
	}
	for _, j := range w.Jobs {
		s, err := schedules.ParseSchedule(j.Schedule)
		if err != nil {
			return fmt.Errorf("job %d: %w", j.ID, err)
		}
		b.Jobs = append(b.Jobs, measure.Job{ID: j.ID, Workload: workload, Schedule: s, ISA: isa,
			Mode: kernels.Native, Protocol: protocol, Seed: w.Seed, GiveUp: j.GiveUp})
	}
	return nil
}

// check finds what is beyond the limits.
func (b *Batch) check() error {
	if err := cmp.Or(checkID(b.ID), CheckName(b.Tuner), b.Kind.check()); err != nil {
		return err
	}
	if b.Avoid != "" {
		if err := CheckName(b.Avoid); err != nil {
			return err
		}
	}
	if len(b.Jobs) == 0 || len(b.Jobs) > MaxJobs {
		return fmt.Errorf("%d jobs, want 1 to %d", len(b.Jobs), MaxJobs)
	}
	if err := b.checkWork(b.Jobs[0]); err != nil {
		return err
	}
	ids := map[uint64]bool{}
	for _, j := range b.Jobs {
		switch first := b.Jobs[0]; {
		case j.Workload != first.Workload || j.ISA != first.ISA || j.Protocol != first.Protocol || j.Seed != first.Seed || j.Mode != kernels.Native:
			return fmt.Errorf("job %d is of another workload, instruction set, protocol or seed", j.ID)
		case j.ISA != b.Kind.ISA:
			return fmt.Errorf("job %d is for %s, not %s", j.ID, j.ISA, b.Kind.ISA)
		case ids[j.ID]:
			return fmt.Errorf("job %d is there twice", j.ID)
		case !(j.GiveUp >= 0 && j.GiveUp <= maxNS):
			return fmt.Errorf("job %d: gives up at %g ns", j.ID, float64(j.GiveUp))
		}
		ids[j.ID] = true
	}
	return nil
}

// checkWork bounds the time and the memory that jobs like first take.
func (b *Batch) checkWork(first measure.Job) error {
	w, p, jobs := first.Workload, first.Protocol, len(b.Jobs)
	if err := cmp.Or(w.Validate(), p.Validate()); err != nil {
		return err
	}
	size := int64(w.InputBytes()) + int64(w.WeightBytes()) + int64(w.OutputBytes())
	runs := float64(p.Samples+p.WarmUp) * float64(jobs)
	slow := runs * float64(w.MACs()) / slowMACs
	switch {
	case size > maxLayerBytes:
		return fmt.Errorf("%v: a layer of %d bytes, at most %d are measured", w, size, int64(maxLayerBytes))
	case float64(w.MACs()) > maxLayerMACs:
		return fmt.Errorf("%v: more than %g multiply-accumulates", w, maxLayerMACs)
	case runs*p.MinSample.Seconds() > maxBatchTime.Seconds():
		return fmt.Errorf("%v for %d jobs: more than %v of samples", p, jobs, maxBatchTime)
	case slow > maxSlowTime.Seconds():
		return fmt.Errorf("%v, %v for %d jobs: a slow schedule takes more than %v", w, p, jobs, maxSlowTime)
	case p.Samples*jobs > maxAnswer:
		return fmt.Errorf("%d samples, at most %d are taken", p.Samples*jobs, maxAnswer)
	case p.Threads != 1:
		return fmt.Errorf("asks for %d threads; a worker measures with 1", p.Threads)
	case p.Core != measure.AnyCore:
		return fmt.Errorf("asks for core %d; a worker chooses its own", p.Core)
	}
	return nil
}

// checkID accepts what can stand in a Nats-Msg-Id: letters, digits, - and _.
func checkID(id string) error {
	if id == "" || len(id) > maxIDCharacter || token(id) != id {
		return fmt.Errorf("batch ID %q: want 1 to %d letters, digits, - or _", clip(id), maxIDCharacter)
	}
	return nil
}
