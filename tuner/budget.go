package tuner

// A share is a number of trials of one task.
type share struct {
	task *task
	n    int
}

// The budget is spent in three phases:
//
//  1. the default schedule of every task, those with most work first: after it
//     the network's time is known, and any budget beyond is improvement;
//  2. a minimum share for every task, so that none starves by a bad guess;
//  3. batch by batch to the task with the largest expected gain.
const minimumShare = 0.15 // of an even distribution

// plan decides the next batch, of at most room trials: which tasks, how many of
// each. Nothing means that all tasks have ended.
func plan(tasks []*task, total, room, batch int) []share {
	n := min(room, batch)
	if n <= 0 {
		return nil
	}
	if s := planDefaults(tasks, n); s != nil {
		return s
	}
	floor := int(minimumShare * float64(total) / float64(len(tasks)))
	var next *task
	for _, k := range tasks {
		if k.ended == "" && k.asked < floor && (next == nil || k.MACs > next.MACs) {
			next = k
		}
	}
	if next != nil {
		return []share{{next, min(n, floor-next.asked)}}
	}
	for _, k := range tasks {
		if k.ended == "" && (next == nil || k.gain() > next.gain()) {
			next = k
		}
	}
	if next == nil {
		return nil
	}
	return []share{{next, n}}
}

// planDefaults takes one trial, which is the default schedule, of each task
// that has none yet.
func planDefaults(tasks []*task, n int) []share {
	var shares []share
	for len(shares) < n {
		var next *task
		for _, k := range tasks {
			if k.ended == "" && k.asked == 0 && !planned(shares, k) && (next == nil || k.MACs > next.MACs) {
				next = k
			}
		}
		if next == nil {
			break
		}
		shares = append(shares, share{next, 1})
	}
	return shares
}

func planned(shares []share, k *task) bool {
	for _, s := range shares {
		if s.task == k {
			return true
		}
	}
	return false
}

// Expected progress of a task: what its last trials brought, and a prior that
// is optimistic about tasks with few trials. A space gives up about a quarter
// of the default's time, half of that in the first dozen trials.
const (
	recentTrials = 24
	priorGain    = 0.25
	priorTrials  = 12
)

// gain is the network time, in nanoseconds, that one more trial of the task may
// save.
func (k *task) gain() float64 {
	n := len(k.curve)
	progress := priorGain * priorTrials / float64((k.asked+priorTrials)*(k.asked+priorTrials))
	if past := n - 1 - recentTrials; past >= 0 && k.curve[past] > 0 {
		progress += float64((k.curve[past]-k.curve[n-1])/k.curve[past]) / recentTrials
	}
	cost := float64(k.time())
	if cost == 0 {
		cost = float64(k.Workload.MACs()) // nothing worked yet: as if 1 GMAC/s
	}
	// What is under way may bring the same: others first.
	return float64(k.Count) * cost * progress / float64(1+k.inFlight)
}
