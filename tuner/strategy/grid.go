package strategy

import (
	"math/rand/v2"

	"qtune/schedules"
)

// grid tries all of a space, in its order.
type grid struct {
	visited
	rest []schedules.Schedule
}

func newGrid(space Space) *grid {
	g := &grid{visited: visited{}}
	g.rest = []schedules.Schedule{space.Start()}
	for s := range space.All() {
		if s != g.rest[0] {
			g.rest = append(g.rest, s)
		}
	}
	return g
}

func (g *grid) Tell(trials []Trial) { g.tell(trials) }

func (g *grid) Ask(n int) []schedules.Schedule {
	var out []schedules.Schedule
	for len(out) < n && len(g.rest) > 0 {
		if g.add(g.rest[0]) {
			out = append(out, g.rest[0])
		}
		g.rest = g.rest[1:]
	}
	return out
}

// random tries schedules uniformly.
type random struct {
	visited
	space Space
	rng   *rand.Rand
	rest  []schedules.Schedule // in random order, once sampling finds nothing new
}

func newRandom(space Space, rng *rand.Rand) *random {
	return &random{visited: visited{}, space: space, rng: rng}
}

func (r *random) Tell(trials []Trial) { r.tell(trials) }

func (r *random) Ask(n int) []schedules.Schedule {
	var out []schedules.Schedule
	if start := r.space.Start(); n > 0 && r.add(start) {
		out = append(out, start)
	}
	for len(out) < n {
		s, ok := r.next()
		if !ok {
			break
		}
		out = append(out, s)
	}
	return out
}

// tries is how often a strategy draws before it looks at what is left: when so
// many draws find nothing new, most of the space is visited.
const tries = 32

// next returns a schedule that was not visited, and visits it.
func (r *random) next() (schedules.Schedule, bool) {
	if r.rest == nil {
		for range tries {
			if s, ok := r.space.Sample(r.rng); ok && r.add(s) {
				return s, true
			}
		}
		r.rest = r.unvisited(r.space)
		r.rng.Shuffle(len(r.rest), func(i, j int) { r.rest[i], r.rest[j] = r.rest[j], r.rest[i] })
	}
	for len(r.rest) > 0 {
		s := r.rest[0]
		r.rest = r.rest[1:]
		if r.add(s) {
			return s, true
		}
	}
	return schedules.Schedule{}, false
}
