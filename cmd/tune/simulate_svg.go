package main

import (
	"fmt"

	"qtune/internal/chart"
)

// svg draws the mean regret of each strategy over the trials: what the choice
// takes more than the fastest schedule, as a share of that.
func (rep *simulateReport) svg() ([]byte, error) {
	c := chart.Chart{
		Title: fmt.Sprintf("Mean regret of %s, searched %d times", plural(len(rep.Workloads), "workload"), rep.Seeds),
		X:     chart.Axis{Label: "trials of each workload", Log: true, Min: 1, Max: float64(rep.trials)},
		Y:     chart.Axis{Label: "% slower than the fastest schedule"},
	}
	for i, s := range rep.Strategies {
		c.Series = append(c.Series, chart.Series{Name: s.Name, Colour: i, Mark: chart.Line, Points: rep.regret(s.Name)})
		for _, p := range c.Series[i].Points {
			c.Y.Max = max(c.Y.Max, p.Y) // from 0
		}
	}
	return c.File()
}

// regret is the mean of a strategy after each number of trials, in percent.
func (rep *simulateReport) regret(name string) []chart.Point {
	var line []chart.Point
	for n := 1; n <= rep.trials; n++ {
		sum, count := 0.0, 0
		for _, c := range rep.curves {
			if c.Strategy != name {
				continue
			}
			for _, e := range c.Efficiency {
				if e[n-1] > 0 {
					sum += 1/e[n-1] - 1
					count++
				}
			}
		}
		line = append(line, chart.Point{X: float64(n), Y: 100 * sum / float64(max(count, 1))})
	}
	return line
}
