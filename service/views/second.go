package views

import (
	"fmt"

	"qtune/measure"
	"qtune/schedules"
)

// A Second is the fastest schedule beside the chosen one, and why it lost.
type Second struct {
	Schedule schedules.Schedule
	Time     measure.Nanos // of its trial
	Chosen   measure.Nanos // of the chosen schedule's trial; 0 = it has none here
	// Difference is how much longer the second took in its trial than the chosen one
	// in its own, relative; negative: less.
	Difference float64
	Noise      float64 // relative: differences up to it say nothing
	Knobs      int     // in which it differs from the default schedule
	ChosenAt   int     // in how many the chosen one does
	Why        string
}

// finalMargin is by how much a schedule must be faster in a final: see
// tuner/finals.go.
const finalMargin = 2 * measure.NoiseFloor

// second finds the second best; nil: there is none.
func (t *Task) second(space *schedules.Space) *Second {
	var second, chosen *Point
	for i := range t.Points {
		p := &t.Points[i]
		switch {
		case p.Schedule == t.Schedule:
			if chosen == nil || p.Time < chosen.Time {
				chosen = p
			}
		case second == nil || p.Time < second.Time:
			second = p
		}
	}
	if second == nil {
		return nil
	}
	s := &Second{Schedule: second.Schedule, Time: second.Time, Noise: max(finalMargin, second.spread()),
		Knobs: space.Start().Distance(second.Schedule), ChosenAt: space.Start().Distance(t.Schedule)}
	if chosen != nil {
		s.Chosen = chosen.Time
		s.Difference = float64(second.Time/chosen.Time) - 1
		s.Noise = max(s.Noise, chosen.spread())
	}
	s.Why = s.why(t)
	return s
}

// why says by which rule the second lost.
func (s *Second) why(t *Task) string {
	switch {
	case t.InNetwork:
		return "In the whole network the default schedule was faster than what won alone, so it is used."
	case s.Chosen == 0:
		return "The chosen schedule was not measured like the trials shown here."
	case s.Knobs == 0 && t.Final && t.Gain > 0:
		return fmt.Sprintf("It is the default schedule. In the final, measured in turn, it took %v and the chosen one %v.", t.Default, t.Tuned)
	case !t.Final && s.Difference >= 0:
		return "There was no final: the fastest trial counts."
	case !t.Final:
		return "There was no final of these trials; the choice is from other records of the log."
	case s.Difference > s.Noise:
		return "It was slower by more than the noise."
	case s.ChosenAt == 0:
		return "In the final, where the leaders are measured in turn with the default schedule, nothing was faster than that beyond the noise, and then the default stays."
	case s.Difference < -s.Noise:
		return "It was faster in the search only, where every schedule is measured once and at its own time. In the final, measured in turn, it was not."
	}
	return fmt.Sprintf("The difference is within the noise: a tie, which the final decided. Of equals the schedule nearest to the default wins; the chosen one differs from it in %d knobs, this one in %d.", s.ChosenAt, s.Knobs)
}
