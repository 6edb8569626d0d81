package remote

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"qtune/measure"
	"qtune/schedules"
)

// State is what a worker is doing.
type State string

// States of a worker.
const (
	Idle      State = "idle"      // waits for work
	Measuring State = "measuring" // has a batch
	Waiting   State = "waiting"   // its core is busy with something else
	Aside     State = "aside"     // put aside: takes no work until it is let in again
	Draining  State = "draining"  // ends after what it has
	Gone      State = "gone"      // has ended
)

// A Status is what a worker says of itself, to whoever asks (service "measure" of
// the NATS services protocol) and in WorkersBucket, for when it is gone.
type Status struct {
	Identity    Identity
	ISAs        []schedules.ISA // that its CPU executes
	Cores       []int           // that it measures on
	Labels      map[string]string
	State       State
	Why         string        // it waits, or is aside
	Trials      int           // measured since it started
	PerSecond   float64       // of the last minute
	Failures    int           // trials that failed
	Lost        int           // batches that it gave up
	Calibration measure.Nanos // center of the calibration kernel now; 0 = not measured yet
	First       measure.Nanos // idem, when it started
	Load        float64       // of its machine, as the kernel's one-minute average; -1 = not known
	Started     time.Time
	Seen        time.Time // when this was said
}

// ServiceName is the name of the workers' service. Its metadata are name, version,
// generator, class, isas and cores (the last two with spaces between).
const ServiceName = "measure"

// StatusSubject is where every worker answers a request, whatever it says, with its
// Status. Publish one with a reply subject of one's own and gather what comes:
// how many will answer is not known.
const StatusSubject = "qtune.status"

type wireStatus struct {
	V           int
	Identity    wireIdentity
	ISAs        []string
	Cores       []int
	Labels      map[string]string `json:",omitempty"`
	State       State
	Why         string `json:",omitempty"`
	Trials      int
	PerSecond   float64
	Failures    int
	Lost        int
	Calibration measure.Nanos
	First       measure.Nanos
	Load        float64
	Started     time.Time
	Seen        time.Time
}

// Limits of a status.
const (
	maxStatus = 16 << 10 // bytes
	maxLabels = 32
	maxLabel  = 128 // bytes of its value
	maxCores  = 1 << 10
)

// Encode returns the wire form. A reason is shortened to fit.
func (s *Status) Encode() ([]byte, error) {
	w := wireStatus{V: Version, Identity: s.Identity.wire(), Cores: s.Cores, Labels: s.Labels, State: s.State, Why: cut(s.Why, maxText),
		Trials: s.Trials, PerSecond: s.PerSecond, Failures: s.Failures, Lost: s.Lost, Calibration: s.Calibration, First: s.First,
		Load: s.Load, Started: s.Started, Seen: s.Seen}
	for _, isa := range s.ISAs {
		w.ISAs = append(w.ISAs, string(isa))
	}
	data, err := json.Marshal(w)
	if err == nil && len(data) > maxStatus {
		err = fmt.Errorf("status of %d bytes, at most %d are allowed", len(data), maxStatus)
	}
	return data, err
}

// DecodeStatus reads a status that came from anywhere.
func DecodeStatus(data []byte) (*Status, error) {
	var w wireStatus
	if err := decode("status", maxStatus, data, &w); err != nil {
		return nil, err
	}
	id, err := w.Identity.identity()
	if err != nil {
		return nil, brief("status", err)
	}
	if err := w.check(); err != nil {
		return nil, brief("status of "+id.Name, err)
	}
	s := &Status{Identity: id, Cores: w.Cores, Labels: w.Labels, State: w.State, Why: cut(w.Why, maxText), Trials: w.Trials, PerSecond: w.PerSecond,
		Failures: w.Failures, Lost: w.Lost, Calibration: w.Calibration, First: w.First, Load: w.Load, Started: w.Started, Seen: w.Seen}
	for _, text := range w.ISAs {
		isa, err := schedules.ParseISA(text)
		if err != nil {
			return nil, brief("status of "+id.Name, err)
		}
		s.ISAs = append(s.ISAs, isa)
	}
	return s, nil
}

// check refuses what no worker of ours says.
func (w *wireStatus) check() error {
	if err := cmp.Or(checkText("state", string(w.State)), CheckLabels(w.Labels)); err != nil {
		return err
	}
	if len(w.Why) > maxText || len(w.ISAs) > len(schedules.ISAs())+1 || len(w.Cores) > maxCores {
		return fmt.Errorf("a reason of %d bytes, %d targets, %d cores", len(w.Why), len(w.ISAs), len(w.Cores))
	}
	for _, c := range w.Cores {
		if c < 0 || c > maxCore {
			return fmt.Errorf("core %d", c)
		}
	}
	for what, n := range map[string]float64{"trials": float64(w.Trials), "failures": float64(w.Failures), "lost batches": float64(w.Lost),
		"trials a second": w.PerSecond, "calibration": float64(w.Calibration), "first calibration": float64(w.First), "load": w.Load + 1} {
		if n < 0 || n > maxNS {
			return fmt.Errorf("%s: %g", what, n)
		}
	}
	return nil
}

// CheckLabels says what is wrong with labels: there are few, of printable words.
func CheckLabels(labels map[string]string) error {
	if len(labels) > maxLabels {
		return fmt.Errorf("%d labels, at most %d are allowed", len(labels), maxLabels)
	}
	for k, v := range labels {
		if err := CheckName(k); err != nil {
			return fmt.Errorf("label: %w", err)
		}
		if len(v) > maxLabel || !printable(v) {
			return fmt.Errorf("label %s: %q is not a printable word of up to %d characters", k, clip(v), maxLabel)
		}
	}
	return nil
}
