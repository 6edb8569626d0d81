package pages

import (
	"sync"
	"time"

	"qtune/service/api"
	"qtune/service/views"
)

// A look at all of a job's tasks reads all their trials: a tenth of a second for a
// large network, more the more there are, on the machine that measures. So all who
// watch a job share one look for some time, which grows with what a look takes: looking
// may take one part in lookShare of a core.
const (
	lookAge   = 2 * time.Second // at least
	lookShare = 50
	maxJobs   = 256 // that are remembered
)

// A look is what the log had of a job's tasks at a moment.
type look struct {
	mu       sync.Mutex // held while the log is read: others wait for the same
	at       time.Time
	took     time.Duration
	state    api.State
	tasks    []views.JobTask
	failures []views.FailureKind
}

// looks are those of all jobs. The zero looks is empty.
type looks struct {
	mu   sync.Mutex
	jobs map[int64]*look
}

func (l *looks) of(id int64) *look {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.jobs[id]
	if k == nil {
		if l.jobs == nil || len(l.jobs) >= maxJobs {
			l.jobs = map[int64]*look{}
		}
		k = new(look)
		l.jobs[id] = k
	}
	return k
}

// fresh tells whether a look shows the job well enough. What changes the state, such
// as the end, is seen at once.
func (k *look) fresh(j api.Job) bool {
	return k.state == j.State && time.Since(k.at) < max(lookAge, lookShare*k.took)
}
