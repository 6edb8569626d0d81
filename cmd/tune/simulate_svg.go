package main

import (
	"bytes"
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// svg draws the mean regret of each strategy over the trials: what the choice
// takes more than the fastest schedule, as a share of that.
func (rep *simulateReport) svg() ([]byte, error) {
	plot.DefaultFont.Variant = "Sans"
	p := plot.New()
	p.Title.Text = fmt.Sprintf("Mean regret of %s, searched %d times", plural(len(rep.Workloads), "workload"), rep.Seeds)
	p.Title.Padding = svgGap
	p.X.Label.Text, p.Y.Label.Text = "trials of each workload", "% slower than the fastest schedule"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.TickerFunc(logTicks)
	p.X.Min, p.X.Max, p.Y.Min = 1, float64(rep.trials), 0
	p.Add(grid())
	p.Legend.Top = true
	for i, s := range rep.Strategies {
		line, err := plotter.NewLine(rep.regret(s.Name))
		if err != nil {
			return nil, err
		}
		line.Color = modelColours[i%len(modelColours)]
		line.Width = vg.Points(2)
		p.Add(line)
		p.Legend.Add(s.Name, line)
	}
	canvas := vgsvg.New(svgWidth, svgHeight)
	page := draw.New(canvas)
	page.SetColor(color.White)
	page.Fill(page.Rectangle.Path())
	p.Draw(draw.Crop(page, svgGap, -svgGap, svgGap, -svgGap))
	var b bytes.Buffer
	_, err := canvas.WriteTo(&b)
	return b.Bytes(), err
}

// regret is the mean of a strategy after each number of trials, in percent.
func (rep *simulateReport) regret(name string) plotter.XYs {
	var line plotter.XYs
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
		line = append(line, plotter.XY{X: float64(n), Y: 100 * sum / float64(max(count, 1))})
	}
	return line
}
