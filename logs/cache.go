package logs

import (
	"sync"

	"qtune/schedules"
)

// A cache keeps what many rows share: the texts of workloads, machines and
// schedules, and what these say.
type cache struct {
	mu struct {
		sync.Mutex
		workloads     map[string]schedules.Workload
		machines      map[string]schedules.Machine
		schedules     map[string]schedules.Schedule
		workloadTexts map[schedules.Workload]string
		machineTexts  map[schedules.Machine]string
		spaces        map[spaceKey]*schedules.Space
	}
}

func newCache() *cache {
	c := &cache{}
	c.mu.workloads = map[string]schedules.Workload{}
	c.mu.machines = map[string]schedules.Machine{}
	c.mu.schedules = map[string]schedules.Schedule{}
	c.mu.spaces = map[spaceKey]*schedules.Space{}
	c.mu.workloadTexts = map[schedules.Workload]string{}
	c.mu.machineTexts = map[schedules.Machine]string{}
	return c
}

// workload is schedules.ParseWorkload.
func (c *cache) workload(text string) (schedules.Workload, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return remember(c.mu.workloads, text, schedules.ParseWorkload)
}

// workloadText is schedules.Workload.String. What the text says is known then, too.
func (c *cache) workloadText(w schedules.Workload) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, ok := c.mu.workloadTexts[w]
	if !ok {
		text = w.String()
		keep(c.mu.workloadTexts, w, text)
		if w.Validate() == nil {
			keep(c.mu.workloads, text, w)
		}
	}
	return text
}

// machineText is schedules.Machine.String.
func (c *cache) machineText(m schedules.Machine) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, ok := c.mu.machineTexts[m]
	if !ok {
		text = m.String()
		keep(c.mu.machineTexts, m, text)
	}
	return text
}

// schedule is schedules.ParseSchedule.
func (c *cache) schedule(text string) (schedules.Schedule, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return remember(c.mu.schedules, text, schedules.ParseSchedule)
}

// A spaceKey names a space.
type spaceKey struct {
	workload schedules.Workload
	isa      schedules.ISA
}

// maxSpaces bounds the spaces that are remembered: more than a few networks have.
const maxSpaces = 1 << 10

// space is schedules.SpaceFor, which takes longer than all queries of a look-up.
func (c *cache) space(w schedules.Workload, isa schedules.ISA) (*schedules.Space, error) {
	key := spaceKey{w, isa}
	c.mu.Lock()
	s := c.mu.spaces[key]
	c.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := schedules.SpaceFor(w, isa)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.mu.spaces) >= maxSpaces {
		clear(c.mu.spaces)
	}
	c.mu.spaces[key] = s
	return s, nil
}

// target is schedules.ParseTarget of an instruction set and a machine.
func (c *cache) target(isa, machine string) (schedules.Target, error) {
	i, err := schedules.ParseISA(isa)
	if err != nil {
		return schedules.Target{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m, err := remember(c.mu.machines, machine, schedules.ParseMachine)
	return schedules.Target{ISA: i, Machine: m}, err
}

// maxRemembered bounds a cache of texts: an export can hold any number.
const maxRemembered = 1 << 16

// remember is parse, which is called once for each text that it accepts.
func remember[T any](known map[string]T, text string, parse func(string) (T, error)) (T, error) {
	v, ok := known[text]
	if ok {
		return v, nil
	}
	v, err := parse(text)
	if err != nil {
		return v, err
	}
	keep(known, text, v)
	return v, nil
}

// keep adds to a map of bounded size.
func keep[K comparable, V any](known map[K]V, k K, v V) {
	if len(known) >= maxRemembered {
		clear(known)
	}
	known[k] = v
}

// identity reads the texts that name a measurement.
func (c *cache) identity(workload, isa, machine, schedule string) (schedules.Workload, schedules.Target, schedules.Schedule, error) {
	w, err := c.workload(workload)
	if err != nil {
		return w, schedules.Target{}, schedules.Schedule{}, err
	}
	t, err := c.target(isa, machine)
	if err != nil {
		return w, t, schedules.Schedule{}, err
	}
	s, err := c.schedule(schedule)
	return w, t, s, err
}
