package measure

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Protocol says how a candidate is timed. Its text is stored with every
// record, since times of different protocols do not compare:
//
//	warmup=1 samples=5 min=100us cache=weights-cold threads=1 core=any
type Protocol struct {
	// WarmUp is the number of runs before the first sample.
	WarmUp int
	// Samples is how many samples are kept, unless Job.GiveUp ends it early.
	Samples int
	// MinSample is how long one sample lasts at least: the layer runs as often
	// as that needs, so that the clock's and the call's cost vanish in it.
	MinSample time.Duration
	// Cache is where the constants come from.
	Cache CacheState
	// Threads is how many threads compute the layer.
	Threads int
	// Core is the CPU core to measure on; AnyCore leaves it to the runner.
	Core int
}

// AnyCore is the Core of a Protocol that does not ask for one.
const AnyCore = -1

// CacheState says where a kernel's constants come from when it starts.
type CacheState string

// In a network a layer's weights were last used one inference ago, and all the
// other weights since: WeightsCold rotates over enough copies of the constants
// that they come from beyond the L2 cache. Warm runs on one copy.
const (
	Warm        CacheState = "warm"
	WeightsCold CacheState = "weights-cold"
)

// DefaultProtocol takes about a millisecond a candidate.
func DefaultProtocol() Protocol {
	return Protocol{WarmUp: 1, Samples: 5, MinSample: 100 * time.Microsecond,
		Cache: WeightsCold, Threads: 1, Core: AnyCore}
}

// Bounds of what a Protocol may ask for, so that one from a foreign log or a
// remote peer cannot occupy a machine.
const (
	maxRuns      = 10_000
	maxMinSample = time.Second
	maxThreads   = 1024
	maxCore      = 1 << 16
)

// protocolField is one field's name, text and reader. The table is the only
// place that knows the text form.
type protocolField struct {
	name  string
	print func(*Protocol) string
	parse func(*Protocol, string) error
}

var protocolFields = []protocolField{
	intField("warmup", 0, maxRuns, func(p *Protocol) *int { return &p.WarmUp }),
	intField("samples", 1, maxRuns, func(p *Protocol) *int { return &p.Samples }),
	{"min",
		func(p *Protocol) string { return strings.ReplaceAll(p.MinSample.String(), "µ", "u") },
		func(p *Protocol, s string) (err error) {
			p.MinSample, err = time.ParseDuration(s)
			return err
		}},
	{"cache",
		func(p *Protocol) string { return string(p.Cache) },
		func(p *Protocol, s string) error { p.Cache = CacheState(s); return nil }},
	intField("threads", 1, maxThreads, func(p *Protocol) *int { return &p.Threads }),
	{"core",
		func(p *Protocol) string {
			if p.Core == AnyCore {
				return "any"
			}
			return strconv.Itoa(p.Core)
		},
		func(p *Protocol, s string) (err error) {
			if s == "any" {
				p.Core = AnyCore
				return nil
			}
			p.Core, err = strconv.Atoi(s)
			return err
		}},
}

func intField(name string, lo, hi int, at func(*Protocol) *int) protocolField {
	return protocolField{name,
		func(p *Protocol) string { return strconv.Itoa(*at(p)) },
		func(p *Protocol, s string) error {
			n, err := strconv.Atoi(s)
			if err != nil || n < lo || n > hi {
				return fmt.Errorf("%q is not a number from %d to %d", s, lo, hi)
			}
			*at(p) = n
			return nil
		}}
}

// String returns the text that ParseProtocol reads.
func (p Protocol) String() string {
	words := make([]string, len(protocolFields))
	for i, f := range protocolFields {
		words[i] = f.name + "=" + f.print(&p)
	}
	return strings.Join(words, " ")
}

// ParseProtocol reads a protocol's text. Every field must be there, once, in
// the order of String: the text is a key.
func ParseProtocol(text string) (Protocol, error) {
	words := strings.Split(text, " ")
	if len(words) != len(protocolFields) {
		return Protocol{}, fmt.Errorf("protocol %q: %d fields, want %d", text, len(words), len(protocolFields))
	}
	var p Protocol
	for i, f := range protocolFields {
		value, ok := strings.CutPrefix(words[i], f.name+"=")
		if !ok {
			return Protocol{}, fmt.Errorf("protocol %q: %q, want a word that begins with %s=", text, words[i], f.name)
		}
		if err := f.parse(&p, value); err != nil {
			return Protocol{}, fmt.Errorf("protocol %q: %s: %w", text, f.name, err)
		}
	}
	if p.String() != text {
		return Protocol{}, fmt.Errorf("protocol %q: not in its canonical form, %q", text, p)
	}
	return p, p.Validate()
}

// Validate reports everything that is out of bounds.
func (p Protocol) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("protocol: "+format, args...))
		}
	}
	check(p.WarmUp >= 0 && p.WarmUp <= maxRuns, "%d warm-up runs, want 0 to %d", p.WarmUp, maxRuns)
	check(p.Samples >= 1 && p.Samples <= maxRuns, "%d samples, want 1 to %d", p.Samples, maxRuns)
	check(p.MinSample >= 0 && p.MinSample <= maxMinSample, "samples of %v, want 0 to %v", p.MinSample, maxMinSample)
	check(p.Cache == Warm || p.Cache == WeightsCold, "cache state %q, want %s or %s", p.Cache, Warm, WeightsCold)
	check(p.Threads >= 1 && p.Threads <= maxThreads, "%d threads, want 1 to %d", p.Threads, maxThreads)
	check(p.Core >= AnyCore && p.Core <= maxCore, "core %d", p.Core)
	return errors.Join(errs...)
}

// MarshalText makes the text the wire form.
func (p Protocol) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the wire form.
func (p *Protocol) UnmarshalText(text []byte) (err error) {
	*p, err = ParseProtocol(string(text))
	return err
}
