package logs

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"qtune/schedules"
)

// exportFormat is the version of the text form, in its first line. Format 1 had
// neither checksums nor the last line.
const exportFormat = 2

// The lines of an export, one JSON object each: a logLine, then all sessions,
// trials and finals, each sorted by what they say, then an endLine, without which
// the text was cut off. Times of measurements are in nanoseconds. See
// docs/log-format.md.
type (
	logLine struct {
		Kind   string `json:"kind"` // "log"
		Format int    `json:"format"`
	}
	endLine struct {
		Kind string `json:"kind"` // "end"
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
		Check     string    `json:"check,omitempty"`   // checksum of all that is before the session
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
		Check           string    `json:"check,omitempty"`   // checksum of all that is before the session
	}
)

// checkOf is the text of a row's checksum.
func checkOf(sum int64) string { return fmt.Sprintf("%016x", uint64(sum)) }

// Export writes everything as text: JSON lines, sorted, so that two exports can
// be compared line by line. Import reads it.
func (l *Log) Export(ctx context.Context, w io.Writer) error {
	return emitLines(w, func(emit func(any) error) error { return l.export(ctx, emit) })
}

// emitLines writes what a function emits, a line each.
func emitLines(w io.Writer, f func(emit func(any) error) error) error {
	b := bufio.NewWriter(w)
	out := json.NewEncoder(b)
	out.SetEscapeHTML(false)
	if err := f(out.Encode); err != nil {
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
	for line, err := range readTrials(ctx, l, inOrder, nil, func(r *trialRow, t Trial) trialLine { return r.line(t, keys) }) {
		if err != nil {
			return err
		}
		if err := emit(line); err != nil {
			return err
		}
	}
	for line, err := range readFinals(ctx, l, finalsInOrder, nil, func(r *finalRow, f Final) finalLine { return r.line(f, keys) }) {
		if err != nil {
			return err
		}
		if err := emit(line); err != nil {
			return err
		}
	}
	return emit(endLine{"end"})
}

// line is the text of t, of which r is the stored form.
func (r *trialRow) line(t Trial, sessions map[int64]string) trialLine {
	return trialLine{
		Kind: "trial", Workload: r.workload, ISA: r.isa, Machine: r.machine,
		Schedule: r.schedule, Generator: r.generator, Protocol: r.protocol, Seed: t.Seed,
		Status: r.status, Message: r.message,
		CenterNS: r.centerNS, LoNS: r.loNS, HiNS: r.hiNS, SamplesNS: t.SamplesNS,
		CodeHash: r.codeHash, Time: t.Time, Session: sessions[r.session], Check: checkOf(r.written),
	}
}

// line is the text of f, of which r is the stored form.
func (r *finalRow) line(f Final, sessions map[int64]string) finalLine {
	return finalLine{
		Kind: "final", Workload: r.workload, ISA: r.isa, Machine: r.machine,
		Schedule: r.schedule, Generator: r.generator, Protocol: r.protocol,
		TunedNS: r.tunedNS, DefaultSchedule: r.defaultSchedule, DefaultNS: r.defaultNS,
		CodeHash: r.codeHash, Time: f.Time, Session: sessions[r.session], Check: checkOf(r.written),
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
