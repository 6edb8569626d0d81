package strategy

import (
	"cmp"
	"slices"

	"qtune/schedules"
)

// A model predicts the logarithm of a schedule's time: a mean, and a term for
// each value of each knob and for each pair of values of two knobs. Terms are
// means of what the others leave unexplained, drawn towards zero where few
// trials speak for them; so the model needs no minimum of trials, and a value
// that it never saw counts as average.
//
// It is refitted by a few sweeps over the terms (backfitting: Friedman and
// Stuetzle, "Projection pursuit regression", 1981) when it is asked for a
// ranking: a fraction of a millisecond for a few hundred trials.
type model struct {
	index   map[string]int // of a term's text
	single  []bool         // the term has one knob
	weight  []float64      // of each term
	rows    []modelRow
	mean    float64
	current bool // weight fits rows
}

type modelRow struct {
	terms []int
	y     float64 // ln(time)
}

const (
	sweeps       = 4
	shrinkSingle = 1.0 // a term's mean counts as if so many more trials said 0
	shrinkPair   = 3.0
)

func newModel() *model { return &model{index: map[string]int{}} }

// add takes in a trial.
func (m *model) add(s schedules.Schedule, y float64) {
	m.rows = append(m.rows, modelRow{m.terms(s, true), y})
	m.current = false
}

// terms lists the terms of a schedule: those known, or all, made known.
func (m *model) terms(s schedules.Schedule, learn bool) []int {
	names := s.Names()
	pairs := make([]string, len(names))
	for i, n := range names {
		pairs[i] = n + "=" + s.Str(n, "")
	}
	var terms []int
	term := func(text string, single bool) {
		i, ok := m.index[text]
		if !ok && learn {
			i, ok = len(m.weight), true
			m.index[text] = i
			m.single = append(m.single, single)
			m.weight = append(m.weight, 0)
		}
		if ok {
			terms = append(terms, i)
		}
	}
	for i, p := range pairs {
		term(p, true)
		for _, q := range pairs[:i] {
			term(q+" "+p, false)
		}
	}
	return terms
}

// fit computes mean and weights from the rows.
func (m *model) fit() {
	if m.current || len(m.rows) == 0 {
		return
	}
	m.current = true
	m.mean = 0
	for _, r := range m.rows {
		m.mean += r.y / float64(len(m.rows))
	}
	at := make([][]int, len(m.weight)) // rows of each term
	rest := make([]float64, len(m.rows))
	for i, r := range m.rows {
		rest[i] = r.y - m.mean
		for _, t := range r.terms {
			at[t] = append(at[t], i)
		}
	}
	clear(m.weight)
	for range sweeps {
		for _, single := range []bool{true, false} {
			for t, rows := range at {
				if m.single[t] == single {
					m.refit(t, rows, rest)
				}
			}
		}
	}
}

// refit moves a term's weight to what its rows leave unexplained.
func (m *model) refit(t int, rows []int, rest []float64) {
	sum := 0.0
	for _, i := range rows {
		sum += rest[i] + m.weight[t]
	}
	shrink := shrinkPair
	if m.single[t] {
		shrink = shrinkSingle
	}
	w := sum / (float64(len(rows)) + shrink)
	for _, i := range rows {
		rest[i] += m.weight[t] - w
	}
	m.weight[t] = w
}

// predict returns ln(time).
func (m *model) predict(s schedules.Schedule) float64 {
	y := m.mean
	for _, t := range m.terms(s, false) {
		y += m.weight[t]
	}
	return y
}

// rank returns the pool, the most promising first.
func (m *model) rank(pool []schedules.Schedule) []schedules.Schedule {
	m.fit()
	type scored struct {
		s schedules.Schedule
		y float64
	}
	list := make([]scored, len(pool))
	for i, s := range pool {
		list[i] = scored{s, m.predict(s)}
	}
	slices.SortStableFunc(list, func(a, b scored) int { return cmp.Compare(a.y, b.y) })
	out := make([]schedules.Schedule, len(list))
	for i, l := range list {
		out[i] = l.s
	}
	return out
}
