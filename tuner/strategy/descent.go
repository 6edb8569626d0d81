package strategy

import (
	"math/rand/v2"

	"qtune/measure"
	"qtune/schedules"
)

// descent is coordinate descent: it tries the neighbours of where it stands, one
// knob after the other, and goes where it is faster. In a valley it begins again
// from a uniform draw.
type descent struct {
	random
	at    schedules.Schedule
	time  measure.Nanos // 0 = not told yet
	since visited       // asked since it began from where it did
}

func newDescent(space Space, rng *rand.Rand) *descent {
	return &descent{random: *newRandom(space, rng), at: space.Start(), since: visited{space.Start(): true}}
}

// Tell moves to what is faster.
func (d *descent) Tell(trials []Trial) {
	d.random.Tell(trials)
	for _, t := range trials {
		if t.Time > 0 && d.since[t.Schedule] && (d.time == 0 || t.Time < d.time) {
			d.at, d.time = t.Schedule, t.Time
		}
	}
}

// Ask asks for neighbours, and begins again where there are no more.
func (d *descent) Ask(n int) []schedules.Schedule {
	var out []schedules.Schedule
	ask := func(s schedules.Schedule) {
		d.since[s] = true
		out = append(out, s)
	}
	if start := d.space.Start(); n > 0 && d.add(start) {
		ask(start)
	}
	for {
		for _, s := range d.space.Neighbours(d.at) {
			if len(out) >= n {
				return out
			}
			if d.add(s) {
				ask(s)
			}
		}
		if len(out) >= n {
			return out
		}
		next, ok := d.next()
		if !ok {
			return out
		}
		d.at, d.time, d.since = next, 0, visited{}
		ask(next)
	}
}
