package api

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"qtune/schedules"
	"qtune/tuner/strategy"
)

// A Spec says what to tune, and how far. It is the body of a request for a job.
type Spec struct {
	Model    string  `json:"model"`              // its hash
	Target   string  `json:"target,omitempty"`   // an instruction set; "" = the best of the machine
	Machine  string  `json:"machine,omitempty"`  // a machine's text, or the words that it starts with; "" = that of the service
	Trials   int     `json:"trials"`             // for the whole network; default 1000
	TimeS    float64 `json:"time_s,omitempty"`   // ends the search, not the finals; 0 = no limit
	Threads  int     `json:"threads"`            // of the whole network, before and after; layers are measured with one; default 1
	Seed     uint64  `json:"seed"`               // of the search; default 1
	Strategy string  `json:"strategy,omitempty"` // "" = the default
	Priority int     `json:"priority"`           // its share of the measuring, against that of other jobs; default 1
	Tasks    string  `json:"tasks,omitempty"`    // numbers, ranges and operators, such as "0,4-6,dense"; "" = all
}

// DefaultSpec is what a Spec is where a request does not say otherwise.
func DefaultSpec() Spec { return Spec{Trials: 1000, Threads: 1, Seed: 1, Priority: 1} }

// Limits of a Spec.
const (
	MaxTrials   = 10_000_000
	MaxTime     = 366 * 24 * time.Hour
	MaxThreads  = 4096
	MaxPriority = 100
	maxText     = 1024 // bytes
)

// Time is the limit of the search; 0 = none.
func (s Spec) Time() time.Duration { return time.Duration(s.TimeS * float64(time.Second)) }

// Validate tells what is wrong with s alone.
func (s Spec) Validate() error {
	if err := CheckHash(s.Model); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if s.Target != "" {
		if _, err := schedules.ParseISA(s.Target); err != nil {
			return fmt.Errorf("target: %w", err)
		}
	}
	if s.Strategy != "" && !slices.Contains(strategy.Names(), s.Strategy) {
		return fmt.Errorf("strategy %q is unknown (known: %s)", Clip(s.Strategy), strings.Join(strategy.Names(), ", "))
	}
	switch {
	case s.Trials < 0 || s.Trials > MaxTrials:
		return fmt.Errorf("trials: %d, want 0 to %d", s.Trials, MaxTrials)
	case math.IsNaN(s.TimeS) || s.TimeS < 0 || s.TimeS > MaxTime.Seconds():
		return fmt.Errorf("time_s: %g, want 0 to %g", s.TimeS, MaxTime.Seconds())
	case s.Threads < 1 || s.Threads > MaxThreads:
		return fmt.Errorf("threads: %d, want 1 to %d", s.Threads, MaxThreads)
	case s.Priority < 1 || s.Priority > MaxPriority:
		return fmt.Errorf("priority: %d, want 1 to %d", s.Priority, MaxPriority)
	}
	if err := checkText("machine", s.Machine); err != nil {
		return err
	}
	return checkText("tasks", s.Tasks)
}

func checkText(name, text string) error {
	if len(text) > maxText || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Errorf("%s: not a line of at most %d bytes", name, maxText)
	}
	return nil
}

// CheckHash refuses what is not a SHA-256 as 64 lower-case hexadecimal digits. A
// model's file is named so: what passes is no path.
func CheckHash(text string) error {
	if len(text) != 64 || strings.Trim(text, "0123456789abcdef") != "" {
		return fmt.Errorf("%q is no SHA-256 (64 hexadecimal digits, lower case)", Clip(text))
	}
	return nil
}

// maxName bounds the name of a model.
const maxName = 128

// CleanName makes a name for people of what a client calls its model: the last
// element of a path, printable, short. It is never the name of a file.
func CleanName(text string) string {
	if i := strings.LastIndexAny(text, `/\`); i >= 0 {
		text = text[i+1:]
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	for len(text) > maxName {
		_, n := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-n]
	}
	if text = strings.TrimSpace(text); text == "" {
		return "unnamed"
	}
	return text
}

// Clip shortens text from outside for a message.
func Clip(text string) string {
	if len(text) > 100 {
		return strings.ToValidUTF8(text[:100], "") + "..."
	}
	return text
}
