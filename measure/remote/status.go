package remote

import (
	"encoding/json"
	"errors"
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

// Encode returns the wire form.
func (s *Status) Encode() ([]byte, error) {
	w := wireStatus{V: Version, Identity: s.Identity.wire(), Cores: s.Cores, Labels: s.Labels, State: s.State, Why: cut(s.Why, maxText),
		Trials: s.Trials, PerSecond: s.PerSecond, Failures: s.Failures, Lost: s.Lost, Calibration: s.Calibration, First: s.First,
		Load: s.Load, Started: s.Started, Seen: s.Seen}
	for _, isa := range s.ISAs {
		w.ISAs = append(w.ISAs, string(isa))
	}
	return json.Marshal(w)
}

// DecodeStatus reads a status that came from anywhere.
func DecodeStatus(data []byte) (*Status, error) {
	var w wireStatus
	if err := decode("status", data, &w); err != nil {
		return nil, err
	}
	if w.V != Version {
		return nil, &VersionError{"protocol", fmt.Sprint(w.V), fmt.Sprint(Version)}
	}
	id, err := w.Identity.identity()
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	s := &Status{Identity: id, Cores: w.Cores, Labels: w.Labels, State: w.State, Why: w.Why, Trials: w.Trials, PerSecond: w.PerSecond,
		Failures: w.Failures, Lost: w.Lost, Calibration: w.Calibration, First: w.First, Load: w.Load, Started: w.Started, Seen: w.Seen}
	for _, text := range w.ISAs[:min(len(w.ISAs), maxText)] {
		isa, err := schedules.ParseISA(text)
		if err != nil {
			return nil, fmt.Errorf("status: %w", err)
		}
		s.ISAs = append(s.ISAs, isa)
	}
	errs := []error{checkText("state", string(s.State)), checkText("reason", s.Why), CheckLabels(s.Labels)}
	if len(s.Cores) > maxCores {
		errs = append(errs, fmt.Errorf("%d cores", len(s.Cores)))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("status of %s: %w", id.Name, err)
	}
	return s, nil
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

func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r > '~' {
			return false
		}
	}
	return true
}
