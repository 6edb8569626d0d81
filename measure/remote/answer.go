package remote

import (
	"cmp"
	"encoding/json"
	"fmt"

	"qtune/measure"
	"qtune/schedules"
)

// An Answer is what became of a batch: results, or why there are none.
type Answer struct {
	Batch   string // its ID
	Attempt int    // how many workers had the batch, this one included
	Worker  Identity
	// Refused says why the batch was not measured: it is of another version, beyond
	// a limit, or for somebody else. Then there are no results.
	Refused string
	Results []measure.Result // as many as the batch has jobs, in their order
}

// An Identity says who measured, and with what.
type Identity struct {
	Name      string
	Version   string // of the worker's program
	Generator string
	Machine   schedules.Machine
}

type wireAnswer struct {
	V       int
	Batch   string
	Attempt int
	Worker  wireIdentity
	Refused string           `json:",omitempty"`
	Results []measure.Result `json:",omitempty"`
}

type wireIdentity struct{ Name, Version, Generator, Machine string }

// Limits of an answer.
const (
	maxSamples   = 10_000
	maxRefusal   = 2 << 10
	maxDisturbed = 1_000_000
	maxCore      = 1 << 16
	// Times that make no sense would still be compared, added up and divided by.
	minNS, maxNS = 1e-3, 1e15
)

func (i Identity) wire() wireIdentity {
	return wireIdentity{i.Name, i.Version, i.Generator, i.Machine.String()}
}

func (w wireIdentity) identity() (Identity, error) {
	if err := cmp.Or(CheckName(w.Name), checkText("version", w.Version), checkText("generator", w.Generator)); err != nil {
		return Identity{}, err
	}
	m, err := schedules.ParseMachine(w.Machine)
	return Identity{w.Name, w.Version, w.Generator, m}, err
}

// Encode returns the wire form. Messages of failures are shortened to fit.
func (a *Answer) Encode() ([]byte, error) {
	const shortest = 64
	for longest := maxRefusal; ; longest /= 2 {
		data, err := a.encode(longest)
		if err != nil {
			return nil, err
		}
		if len(data) <= MaxMessage {
			return data, nil
		}
		if longest <= shortest {
			return nil, fmt.Errorf("answer of %d bytes, at most %d are allowed", len(data), MaxMessage)
		}
	}
}

// encode is Encode with messages of a length, in bytes.
func (a *Answer) encode(longest int) ([]byte, error) {
	w := wireAnswer{V: Version, Batch: a.Batch, Attempt: a.Attempt, Worker: a.Worker.wire(), Refused: cut(a.Refused, longest)}
	for _, r := range a.Results {
		r.Message = cut(r.Message, longest)
		w.Results = append(w.Results, r)
	}
	return json.Marshal(w)
}

// DecodeAnswer reads an answer that came from anywhere. What it says of the batch
// is not known to be true before Fits has compared them.
func DecodeAnswer(data []byte) (*Answer, error) {
	var w wireAnswer
	if err := decode("answer", MaxMessage, data, &w); err != nil {
		return nil, err
	}
	id, err := w.Worker.identity()
	if err := cmp.Or(err, checkID(w.Batch), checkAttempt(w.Attempt)); err != nil {
		return nil, brief("answer", err)
	}
	a := &Answer{Batch: w.Batch, Attempt: w.Attempt, Worker: id, Refused: w.Refused, Results: w.Results}
	if len(a.Results) > MaxJobs || len(a.Refused) > maxRefusal || a.Refused != "" && len(a.Results) > 0 {
		return nil, fmt.Errorf("answer to batch %s: %d results, a refusal of %d bytes", a.Batch, len(a.Results), len(a.Refused))
	}
	a.Refused = cut(a.Refused, maxRefusal)
	for i := range a.Results {
		if err := checkResult(&a.Results[i]); err != nil {
			return nil, fmt.Errorf("answer to batch %s: %w", a.Batch, err)
		}
	}
	return a, nil
}

// checkResult refuses what no worker of ours says. The summary is made anew: it is
// a function of the samples.
func checkResult(r *measure.Result) error {
	if (r.Status == measure.OK) != (len(r.SamplesNS) > 0) || len(r.SamplesNS) > maxSamples {
		return fmt.Errorf("job %d: %v with %d samples", r.ID, r.Status, len(r.SamplesNS))
	}
	for _, s := range r.SamplesNS {
		if s < minNS || s > maxNS {
			return fmt.Errorf("job %d: a sample of %g ns", r.ID, s)
		}
	}
	if c := float64(r.Calibration); c != 0 && (c < minNS || c > maxNS) {
		return fmt.Errorf("job %d: calibration of %g ns", r.ID, c)
	}
	if len(r.Message) > maxRefusal || len(r.CodeHash) > maxText || !printable(r.CodeHash) {
		return fmt.Errorf("job %d: a message of %d bytes, a hash of %d", r.ID, len(r.Message), len(r.CodeHash))
	}
	if r.Core < measure.AnyCore || r.Core > maxCore || r.Disturbed < 0 || r.Disturbed > maxDisturbed {
		return fmt.Errorf("job %d: core %d, %d samples disturbed", r.ID, r.Core, r.Disturbed)
	}
	r.Message = cut(r.Message, maxRefusal)
	r.Summary = measure.Summarise(r.SamplesNS)
	return nil
}

// Fits says what is wrong with a as the answer to b by the worker that published
// it: nil where it is one.
func (a *Answer) Fits(b *Batch, worker string) error {
	switch {
	case a.Batch != b.ID:
		return fmt.Errorf("answer to batch %s, not %s", a.Batch, b.ID)
	case a.Worker.Name != worker:
		return fmt.Errorf("answer to batch %s by %s in the name of %s", a.Batch, worker, a.Worker.Name)
	case a.Refused != "":
		return nil // by whoever took it: a worker of another version says so too
	case len(a.Results) != len(b.Jobs):
		return fmt.Errorf("answer to batch %s by %s: %d results for %d jobs", a.Batch, worker, len(a.Results), len(b.Jobs))
	case a.Worker.Generator != b.Kind.Generator:
		return fmt.Errorf("answer to batch %s by %s: generator %s, not %s", a.Batch, worker, clip(a.Worker.Generator), b.Kind.Generator)
	case a.Worker.Machine.Class() != b.Kind.Class:
		return fmt.Errorf("answer to batch %s by %s: from %s, not %s", a.Batch, worker, a.Worker.Machine.Class(), b.Kind.Class)
	}
	for i, r := range a.Results {
		j := b.Jobs[i]
		if r.ID != j.ID || len(r.SamplesNS) > j.Protocol.Samples {
			return fmt.Errorf("answer to batch %s by %s: result %d is of job %d with %d samples", a.Batch, worker, i, r.ID, len(r.SamplesNS))
		}
	}
	return nil
}
