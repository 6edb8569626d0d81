package service

import (
	"sync"

	"golang.org/x/sync/singleflight"

	"qtune/kernels/module"
	"qtune/schedules"
	"qtune/service/api"
)

// maxCached bounds the models whose tasks are remembered.
const maxCached = 256

// A taskCache remembers the workloads of models: reading a model takes longer than
// looking all its workloads up. The zero taskCache is empty.
type taskCache struct {
	reading singleflight.Group
	mu      struct {
		sync.Mutex
		known map[string][]schedules.Task // by path and instruction set
	}
}

// get returns the tasks of the model in a file, whose content never changes.
func (c *taskCache) get(path string, isa schedules.ISA) ([]schedules.Task, error) {
	key := path + " " + string(isa)
	c.mu.Lock()
	tasks, ok := c.mu.known[key]
	c.mu.Unlock()
	if ok {
		return tasks, nil
	}
	v, err, _ := c.reading.Do(key, func() (any, error) {
		g, err := readModel(path)
		if err != nil {
			return nil, err
		}
		_, tasks, _, err := module.Tasks(g, isa)
		if err != nil {
			return nil, refuse(Invalid, "the model cannot be compiled for %s: %v", isa, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.mu.known == nil || len(c.mu.known) >= maxCached {
			c.mu.known = map[string][]schedules.Task{}
		}
		c.mu.known[key] = tasks
		return tasks, nil
	})
	if err != nil {
		return nil, err
	}
	return v.([]schedules.Task), nil
}

// JobTasks returns what a job with a Spec tunes.
func (s *Service) JobTasks(spec api.Spec) ([]schedules.Task, error) {
	tasks, err := s.tasks.get(s.modelPath(spec.Model), schedules.ISA(spec.Target))
	if err != nil {
		return nil, err
	}
	if len(tasks) == 0 {
		return nil, refuse(Invalid, "the model has nothing to tune: no convolution, depthwise or dense operator")
	}
	numbers, err := schedules.SelectTasks(tasks, spec.Tasks)
	if err != nil {
		return nil, refuse(Invalid, "tasks: %v", err)
	}
	var picked []schedules.Task
	for _, i := range numbers {
		picked = append(picked, tasks[i])
	}
	return picked, nil
}
