package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"qtune/tuner/replay"
)

// A simulateReport is what "tune simulate" prints. Efficiencies are the time of
// the space's fastest schedule over that of the choice.
type simulateReport struct {
	Seeds      int                 `json:"seeds"`
	Budgets    []int               `json:"budgets"` // trials of each workload
	Strategies []simulatedStrategy `json:"strategies"`
	Workloads  []simulatedWorkload `json:"workloads"`

	trials int
	curves []replay.Curve
}

// A simulatedStrategy is a strategy's efficiency over all workloads and seeds.
type simulatedStrategy struct {
	Name   string    `json:"name"`
	Median []float64 `json:"median"` // after each of the budgets
	Mean   []float64 `json:"mean"`
	P10    []float64 `json:"p10"`
}

type simulatedWorkload struct {
	Workload  string               `json:"workload"`
	Target    string               `json:"target"`
	Schedules int                  `json:"schedules"`
	Default   float64              `json:"default"`
	Median    map[string][]float64 `json:"median"` // of each strategy, after each of the budgets
}

func newSimulateReport(f *simulateFlags, curves []replay.Curve) *simulateReport {
	rep := &simulateReport{Seeds: f.seeds, trials: f.trials, curves: curves}
	for n := 4; n < f.trials; n *= 2 {
		rep.Budgets = append(rep.Budgets, n)
	}
	rep.Budgets = append(rep.Budgets, f.trials)
	for _, name := range f.strategies {
		s := simulatedStrategy{Name: name}
		for _, n := range rep.Budgets {
			v := rep.at(name, n)
			s.Median, s.Mean, s.P10 = append(s.Median, quantile(v, 0.5)), append(s.Mean, mean(v)), append(s.P10, quantile(v, 0.1))
		}
		rep.Strategies = append(rep.Strategies, s)
	}
	rows := map[*replay.Recording]int{}
	for _, c := range curves {
		i, ok := rows[c.Recording]
		if !ok {
			i = len(rep.Workloads)
			rows[c.Recording] = i
			r := c.Recording
			rep.Workloads = append(rep.Workloads, simulatedWorkload{Workload: r.Workload.String(), Target: r.Target.String(),
				Schedules: r.Space.Size(), Default: r.Efficiency(r.Space.Start()), Median: map[string][]float64{}})
		}
		for _, n := range rep.Budgets {
			w := &rep.Workloads[i]
			w.Median[c.Strategy] = append(w.Median[c.Strategy], quantile(afterTrials(c, n), 0.5))
		}
	}
	return rep
}

// afterTrials lists a curve's efficiencies after n trials, sorted.
func afterTrials(c replay.Curve, n int) []float64 {
	var v []float64
	for _, e := range c.Efficiency {
		v = append(v, e[n-1])
	}
	slices.Sort(v)
	return v
}

// at lists the efficiencies of a strategy after n trials, of all workloads and
// seeds, sorted.
func (rep *simulateReport) at(name string, n int) []float64 {
	var v []float64
	for _, c := range rep.curves {
		if c.Strategy == name {
			v = append(v, afterTrials(c, n)...)
		}
	}
	slices.Sort(v)
	return v
}

// quantile returns the q-quantile of sorted values.
func quantile(v []float64, q float64) float64 { return v[int(q*float64(len(v)-1)+0.5)] }

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

func (rep *simulateReport) print(w io.Writer) error {
	fmt.Fprintf(w, "%s, searched %d times; speed of the choice in %% of the fastest: median (mean, 10th percentile)\n",
		plural(len(rep.Workloads), "workload"), rep.Seeds)
	head := []string{"trials"}
	for _, n := range rep.Budgets {
		head = append(head, ">"+strconv.Itoa(n))
	}
	t := newTable(slices.Clone(head)...)
	for _, s := range rep.Strategies {
		row := []string{s.Name}
		for i := range rep.Budgets {
			row = append(row, fmt.Sprintf("%.1f (%.1f, %.1f)", 100*s.Median[i], 100*s.Mean[i], 100*s.P10[i]))
		}
		t.add(row...)
	}
	if err := t.write(w); err != nil {
		return err
	}
	first := rep.Strategies[0].Name
	fmt.Fprintf(w, "\n%s by workload: medians\n", first)
	t = newTable(append([]string{">schedules", ">default"}, append(head[1:], "workload")...)...)
	for _, k := range rep.Workloads {
		row := []string{strconv.Itoa(k.Schedules), fmt.Sprintf("%.1f", 100*k.Default)}
		for i := range rep.Budgets {
			row = append(row, fmt.Sprintf("%.1f", 100*k.Median[first][i]))
		}
		t.add(append(row, k.Workload)...)
	}
	return t.write(w)
}

// csv is every point of every curve.
func (rep *simulateReport) csv() []byte {
	var b strings.Builder
	b.WriteString("strategy,workload,trials,median,mean,p10\n")
	for _, c := range rep.curves {
		for n := 1; n <= rep.trials; n++ {
			v := afterTrials(c, n)
			fmt.Fprintf(&b, "%s,%q,%d,%.4f,%.4f,%.4f\n", c.Strategy, c.Recording.Workload, n, quantile(v, 0.5), mean(v), quantile(v, 0.1))
		}
	}
	return []byte(b.String())
}
