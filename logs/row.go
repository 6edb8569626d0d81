package logs

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"qtune/schedules"
)

// Bounds of what a row may hold, so that a foreign export cannot fill memory or
// disk.
const (
	maxText    = 1024    // bytes of a name or version
	maxMessage = 4096    // bytes; longer messages are cut
	maxSamples = 1 << 16 // of one trial
)

// A trialRow is a Trial as stored.
type trialRow struct {
	id int64
	workload, machine, isa, schedule, generator, protocol,
	status, message, codeHash string
	seed                   int64
	samples                []byte
	centerNS, loNS, hiNS   float64
	time, session, written int64 // written is the stored checksum
}

// A finalRow is a Final as stored.
type finalRow struct {
	id int64
	workload, machine, isa, schedule, generator, protocol,
	defaultSchedule, codeHash string
	tunedNS, defaultNS     float64
	time, session, written int64
}

// rowOfTrial checks t and returns its stored form.
func rowOfTrial(t Trial, c *cache) (*trialRow, error) {
	r, err := formTrial(t, c)
	if err != nil {
		return nil, err
	}
	return r, checkIdentity(t.Workload, t.Target)
}

// formTrial is rowOfTrial where the workload and target are known to be right.
func formTrial(t Trial, c *cache) (*trialRow, error) {
	r := &trialRow{
		workload: c.workloadText(t.Workload), machine: c.machineText(t.Target.Machine), isa: string(t.Target.ISA),
		schedule: t.Schedule.String(), generator: t.Generator, protocol: t.Protocol,
		status: t.Status, message: cutMessage(t.Message), codeHash: t.CodeHash,
		seed: int64(t.Seed), samples: samplesBlob(t.SamplesNS),
		centerNS: t.CenterNS, loNS: t.LoNS, hiNS: t.HiNS,
		time: stampOf(t.Time), session: t.Session,
	}
	switch {
	case len(t.SamplesNS) > maxSamples:
		return nil, fmt.Errorf("%d samples, at most %d are allowed", len(t.SamplesNS), maxSamples)
	case t.Status == StatusOK && t.CenterNS <= 0:
		return nil, fmt.Errorf("status ok with a center of %g ns", t.CenterNS)
	}
	if err := checkTimes(t.SamplesNS...); err != nil {
		return nil, err
	}
	if err := checkTimes(t.CenterNS, t.LoNS, t.HiNS); err != nil {
		return nil, err
	}
	if err := checkRow(t.Time, t.CodeHash, "status", t.Status, "generator", t.Generator, "protocol", t.Protocol); err != nil {
		return nil, err
	}
	r.written = r.computeSum()
	return r, nil
}

// rowOfFinal checks f and returns its stored form.
func rowOfFinal(f Final) (*finalRow, error) {
	r := &finalRow{
		workload: f.Workload.String(), machine: f.Target.Machine.String(), isa: string(f.Target.ISA),
		schedule: f.Schedule.String(), generator: f.Generator, protocol: f.Protocol,
		defaultSchedule: f.DefaultSchedule.String(), codeHash: f.CodeHash,
		tunedNS: f.TunedNS, defaultNS: f.DefaultNS,
		time: stampOf(f.Time), session: f.Session,
	}
	if f.TunedNS <= 0 {
		return nil, fmt.Errorf("tuned time of %g ns", f.TunedNS)
	}
	if err := checkTimes(f.TunedNS, f.DefaultNS); err != nil {
		return nil, err
	}
	if err := checkRow(f.Time, f.CodeHash, "generator", f.Generator, "protocol", f.Protocol); err != nil {
		return nil, err
	}
	if err := checkIdentity(f.Workload, f.Target); err != nil {
		return nil, err
	}
	r.written = r.computeSum()
	return r, nil
}

// checkRow checks what trials and finals have in common; required texts are
// pairs of name and value.
func checkRow(at time.Time, codeHash string, required ...string) error {
	for i := 0; i < len(required); i += 2 {
		if required[i+1] == "" {
			return fmt.Errorf("no %s", required[i])
		}
		if err := checkText(required[i], required[i+1]); err != nil {
			return err
		}
	}
	if at.Year() < 1970 || at.Year() > 2200 {
		return fmt.Errorf("the time %s", at.Format(time.RFC3339))
	}
	return checkText("code hash", codeHash)
}

// checkTimes checks nanoseconds.
func checkTimes(ns ...float64) error {
	for _, f := range ns {
		if !(0 <= f && f <= math.MaxFloat64) {
			return fmt.Errorf("a time of %g ns", f)
		}
	}
	return nil
}

// checkText checks a name or version.
func checkText(name, v string) error {
	if len(v) > maxText {
		return fmt.Errorf("%s of %d bytes, at most %d are allowed", name, len(v), maxText)
	}
	if !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("%s %q is not printable", name, v)
	}
	return nil
}

// checkIdentity checks that the texts of w and t can be read again.
func checkIdentity(w schedules.Workload, t schedules.Target) error {
	if err := w.Validate(); err != nil {
		return fmt.Errorf("%s: %w", w, err)
	}
	_, err := schedules.ParseTarget(t.String())
	return err
}

// cutMessage bounds a message and makes it valid UTF-8.
func cutMessage(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), maxMessage)], "")
}

// trial checks the row and returns what it says.
func (r *trialRow) trial(c *cache) (Trial, error) {
	if r.written != r.computeSum() {
		return Trial{}, errChecksum
	}
	w, t, s, err := c.identity(r.workload, r.isa, r.machine, r.schedule)
	samples, err2 := samplesOf(r.samples)
	if err := errors.Join(err, err2); err != nil {
		return Trial{}, err
	}
	return Trial{
		Workload: w, Target: t, Schedule: s,
		Generator: r.generator, Protocol: r.protocol, Seed: uint64(r.seed),
		Status: r.status, Message: r.message,
		SamplesNS: samples, CenterNS: r.centerNS, LoNS: r.loNS, HiNS: r.hiNS,
		CodeHash: r.codeHash, Time: timeOf(r.time), Session: r.session,
	}, nil
}

// final checks the row and returns what it says.
func (r *finalRow) final(c *cache) (Final, error) {
	if r.written != r.computeSum() {
		return Final{}, errChecksum
	}
	w, t, s, err := c.identity(r.workload, r.isa, r.machine, r.schedule)
	def, err2 := c.schedule(r.defaultSchedule)
	if err := errors.Join(err, err2); err != nil {
		return Final{}, err
	}
	return Final{
		Workload: w, Target: t, Schedule: s,
		Generator: r.generator, Protocol: r.protocol, TunedNS: r.tunedNS,
		DefaultSchedule: def, DefaultNS: r.defaultNS,
		CodeHash: r.codeHash, Time: timeOf(r.time), Session: r.session,
	}, nil
}
