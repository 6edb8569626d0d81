package measure

import (
	"encoding/json"
	"fmt"

	"qtune/kernels"
	"qtune/schedules"
)

// wireJob is a Job between processes: workload and schedule as text, so that
// the other side parses, validates and generates code itself.
type wireJob struct {
	ID       uint64
	Workload string
	Schedule string
	ISA      string
	Emulated bool `json:",omitempty"`
	Protocol Protocol
	Seed     uint64
	GiveUp   Nanos `json:",omitempty"`
}

// MarshalJSON writes the wire form.
func (j Job) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireJob{
		ID: j.ID, Workload: j.Workload.String(), Schedule: j.Schedule.String(), ISA: string(j.ISA),
		Emulated: j.Mode == kernels.Emulated, Protocol: j.Protocol, Seed: j.Seed, GiveUp: j.GiveUp,
	})
}

// UnmarshalJSON reads the wire form.
func (j *Job) UnmarshalJSON(b []byte) error {
	var w wireJob
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	out := Job{ID: w.ID, Protocol: w.Protocol, Seed: w.Seed, GiveUp: w.GiveUp}
	if w.Emulated {
		out.Mode = kernels.Emulated
	}
	var err error
	if out.Workload, err = schedules.ParseWorkload(w.Workload); err != nil {
		return fmt.Errorf("job %d: %w", w.ID, err)
	}
	if out.Schedule, err = schedules.ParseSchedule(w.Schedule); err != nil {
		return fmt.Errorf("job %d: %w", w.ID, err)
	}
	if out.ISA, err = schedules.ParseISA(w.ISA); err != nil {
		return fmt.Errorf("job %d: %w", w.ID, err)
	}
	*j = out
	return nil
}
