package tuner

import "math"

// A share is a number of trials of one task.
type share struct {
	task *task
	n    int
}

// The budget is spent in four phases:
//
//  1. the default schedule of every task, those with most work first: after it
//     the network's time is known, and any budget beyond is improvement;
//  2. what is suggested of every task, in the same order;
//  3. a minimum share for every task, so that none starves by a bad guess;
//  4. batch by batch to the task with the largest expected gain.
const minimumShare = 0.15 // of an even distribution

// plan decides the next batch, of at most room trials: which tasks, how many of
// each. Nothing means that all tasks have ended.
func plan(tasks []*task, total, room, batch int) []share {
	n := min(room, batch)
	if n <= 0 {
		return nil
	}
	for _, first := range []func(*task) int{noDefault, toSuggest} {
		if s := planFirst(tasks, n, first); s != nil {
			return s
		}
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

// noDefault is 1 where the default schedule was not asked yet.
func noDefault(k *task) int {
	if k.asked > 0 {
		return 0
	}
	return 1
}

// toSuggest is how many suggestions were not asked yet.
func toSuggest(k *task) int { return len(k.suggested) - k.taken }

// planFirst takes as many trials as first says of each task, those with most work
// first, up to n.
func planFirst(tasks []*task, n int, first func(*task) int) []share {
	var shares []share
	for n > 0 {
		var next *task
		for _, k := range tasks {
			if k.ended == "" && first(k) > 0 && !planned(shares, k) && (next == nil || k.MACs > next.MACs) {
				next = k
			}
		}
		if next == nil {
			break
		}
		shares = append(shares, share{next, min(n, first(next))})
		n -= shares[len(shares)-1].n
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

// Usual progress of a task: what the last trials brought, and a prior that is
// optimistic about tasks with few trials. A space gives up about a quarter of the
// default's time, half of that in the first dozen trials.
const (
	recentTrials = 24
	priorGain    = 0.25
	priorTrials  = 12
)

// A promiser is a strategy that knows which share of the task's time its next
// trials may save each; NaN where it does not know yet.
type promiser interface{ Promise() float64 }

// trust is how much promise, as ln(time), is believed of a task before it is seen
// whether it is kept.
const trust = 0.05

// promise returns what the task's strategy promises of a trial, if it does, as much
// as its promises were kept so far: the best of many noisy times is lucky, and what
// a model does not know it takes for a chance.
func (k *task) promise() (float64, bool) {
	p, ok := k.strategy.(promiser)
	if !ok || math.IsNaN(p.Promise()) {
		return 0, false
	}
	return p.Promise() * (k.kept + trust) / (k.promised + trust), true
}

// noteAsked adds what the strategy promises of n trials just asked.
func (k *task) noteAsked(n int) {
	if p, ok := k.strategy.(promiser); ok && !math.IsNaN(p.Promise()) {
		k.promised += float64(n) * p.Promise()
	}
}

// A task is flat when its model has seen some of it, the last trials brought
// nothing, and the next ones promise less than can be measured.
const (
	flatTrials  = 64
	flatPromise = 2e-4
)

func (k *task) flat() bool {
	p, ok := k.promise()
	n := len(k.curve)
	return ok && p < flatPromise && n >= flatTrials && k.curve[n-1-recentTrials] == k.curve[n-1]
}

// gain is the network time, in nanoseconds, that one more trial of the task may
// save.
func (k *task) gain() float64 {
	cost := float64(k.time())
	if cost == 0 {
		cost = float64(k.Workload.MACs()) // nothing worked yet: as if 1 GMAC/s
	}
	// What is under way may bring the same: others first.
	return float64(k.Count) * cost * k.progress() / float64(1+k.inFlight)
}

// progress is the share of the task's time that one more trial may save: by what is
// usual and by what is promised, neither of which is more than a guess.
func (k *task) progress() float64 {
	n := len(k.curve)
	usual := priorGain * priorTrials / float64((k.asked+priorTrials)*(k.asked+priorTrials))
	if past := n - 1 - recentTrials; past >= 0 && k.curve[past] > 0 {
		usual += float64((k.curve[past]-k.curve[n-1])/k.curve[past]) / recentTrials
	}
	if promised, ok := k.promise(); ok {
		return math.Sqrt(usual * promised)
	}
	return usual
}
