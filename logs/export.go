package logs

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"time"

	"qtune/schedules"
)

// exportFormat is the version of the text form, in its first line.
const exportFormat = 1

// The lines of an export, one JSON object each: a logLine, then all sessions,
// trials and finals, each sorted by what they say. Times of measurements are in
// nanoseconds.
type (
	logLine struct {
		Kind   string `json:"kind"` // "log"
		Format int    `json:"format"`
	}
	sessionLine struct {
		Kind    string    `json:"kind"` // "session"
		Key     string    `json:"key"`
		Command string    `json:"command"`
		Seed    uint64    `json:"seed"`
		Started time.Time `json:"started,omitzero"`
		Ended   time.Time `json:"ended,omitzero"`
	}
	trialLine struct {
		Kind      string    `json:"kind"` // "trial"
		Workload  string    `json:"workload"`
		ISA       string    `json:"isa"`
		Machine   string    `json:"machine"`
		Schedule  string    `json:"schedule"`
		Generator string    `json:"generator"`
		Protocol  string    `json:"protocol"`
		Seed      uint64    `json:"seed"`
		Status    string    `json:"status"`
		Message   string    `json:"message,omitempty"`
		CenterNS  float64   `json:"center_ns"`
		LoNS      float64   `json:"lo_ns"`
		HiNS      float64   `json:"hi_ns"`
		SamplesNS []float64 `json:"samples_ns,omitempty"`
		CodeHash  string    `json:"code_hash,omitempty"`
		Time      time.Time `json:"time"`
		Session   string    `json:"session,omitempty"` // its key
	}
	finalLine struct {
		Kind            string    `json:"kind"` // "final"
		Workload        string    `json:"workload"`
		ISA             string    `json:"isa"`
		Machine         string    `json:"machine"`
		Schedule        string    `json:"schedule"`
		Generator       string    `json:"generator"`
		Protocol        string    `json:"protocol"`
		TunedNS         float64   `json:"tuned_ns"`
		DefaultSchedule string    `json:"default_schedule"`
		DefaultNS       float64   `json:"default_ns"`
		CodeHash        string    `json:"code_hash,omitempty"`
		Time            time.Time `json:"time"`
		Session         string    `json:"session,omitempty"` // its key
	}
)

// Export writes everything as text: JSON lines, sorted, so that two exports can
// be compared line by line. Import reads it.
func (l *Log) Export(ctx context.Context, w io.Writer) error {
	b := bufio.NewWriter(w)
	out := json.NewEncoder(b)
	out.SetEscapeHTML(false)
	if err := l.export(ctx, out.Encode); err != nil {
		return err
	}
	return b.Flush()
}

func (l *Log) export(ctx context.Context, emit func(any) error) error {
	if err := emit(logLine{"log", exportFormat}); err != nil {
		return err
	}
	sessions, err := l.Sessions(ctx)
	if err != nil {
		return err
	}
	keys := map[int64]string{}
	for _, s := range sessions {
		keys[s.ID] = s.Key
		if err := emit(sessionLine{"session", s.Key, s.Command, s.Seed, s.Started, s.Ended}); err != nil {
			return err
		}
	}
	for t, err := range l.AllTrials(ctx) {
		if err != nil {
			return err
		}
		if err := emit(t.line(keys)); err != nil {
			return err
		}
	}
	for f, err := range l.AllFinals(ctx) {
		if err != nil {
			return err
		}
		if err := emit(f.line(keys)); err != nil {
			return err
		}
	}
	return nil
}

func (t Trial) line(sessions map[int64]string) trialLine {
	return trialLine{
		Kind: "trial", Workload: t.Workload.String(), ISA: string(t.Target.ISA), Machine: t.Target.Machine.String(),
		Schedule: t.Schedule.String(), Generator: t.Generator, Protocol: t.Protocol, Seed: t.Seed,
		Status: t.Status, Message: t.Message,
		CenterNS: t.CenterNS, LoNS: t.LoNS, HiNS: t.HiNS, SamplesNS: t.SamplesNS,
		CodeHash: t.CodeHash, Time: t.Time, Session: sessions[t.Session],
	}
}

func (f Final) line(sessions map[int64]string) finalLine {
	return finalLine{
		Kind: "final", Workload: f.Workload.String(), ISA: string(f.Target.ISA), Machine: f.Target.Machine.String(),
		Schedule: f.Schedule.String(), Generator: f.Generator, Protocol: f.Protocol,
		TunedNS: f.TunedNS, DefaultSchedule: f.DefaultSchedule.String(), DefaultNS: f.DefaultNS,
		CodeHash: f.CodeHash, Time: f.Time, Session: sessions[f.Session],
	}
}

// trial is the inverse of Trial.line but for the session.
func (l *trialLine) trial(c *cache) (Trial, error) {
	w, t, s, err := c.identity(l.Workload, l.ISA, l.Machine, l.Schedule)
	return Trial{
		Workload: w, Target: t, Schedule: s, Generator: l.Generator, Protocol: l.Protocol, Seed: l.Seed,
		Status: l.Status, Message: l.Message,
		SamplesNS: l.SamplesNS, CenterNS: l.CenterNS, LoNS: l.LoNS, HiNS: l.HiNS,
		CodeHash: l.CodeHash, Time: l.Time,
	}, err
}

// final is the inverse of Final.line but for the session.
func (l *finalLine) final(c *cache) (Final, error) {
	w, t, s, err := c.identity(l.Workload, l.ISA, l.Machine, l.Schedule)
	if err != nil {
		return Final{}, err
	}
	def, err := schedules.ParseSchedule(l.DefaultSchedule)
	return Final{
		Workload: w, Target: t, Schedule: s, Generator: l.Generator, Protocol: l.Protocol, TunedNS: l.TunedNS,
		DefaultSchedule: def, DefaultNS: l.DefaultNS,
		CodeHash: l.CodeHash, Time: l.Time,
	}, err
}
