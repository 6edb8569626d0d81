package logs

import (
	"context"
	"database/sql"
	"sync"

	"qtune/schedules"
)

// A cache keeps what many rows share: the statements of queries, and what the
// texts of workloads, machines and schedules say.
type cache struct {
	mu struct {
		sync.Mutex
		statements map[string]*sql.Stmt
		workloads  map[string]schedules.Workload
		machines   map[string]schedules.Machine
		schedules  map[string]schedules.Schedule
		spaces     map[spaceKey]*schedules.Space
	}
}

func newCache() *cache {
	c := &cache{}
	c.mu.statements = map[string]*sql.Stmt{}
	c.mu.workloads = map[string]schedules.Workload{}
	c.mu.machines = map[string]schedules.Machine{}
	c.mu.schedules = map[string]schedules.Schedule{}
	c.mu.spaces = map[spaceKey]*schedules.Space{}
	return c
}

// statement prepares text once. Closing the database closes it.
func (l *Log) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	c := l.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.mu.statements[text]; s != nil {
		return s, nil
	}
	s, err := l.db.PrepareContext(ctx, text)
	if err == nil {
		c.mu.statements[text] = s
	}
	return s, err
}

// workload is schedules.ParseWorkload.
func (c *cache) workload(text string) (schedules.Workload, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return remember(c.mu.workloads, text, schedules.ParseWorkload)
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
	if len(known) >= maxRemembered {
		clear(known)
	}
	known[text] = v
	return v, nil
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
