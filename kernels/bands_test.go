package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// The steps of random chains make each row once, in time for the layer that reads
// it, and rings keep it until then.
func TestBands(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for range 3000 {
		links := randomLinks(r)
		last := &links[len(links)-1]
		from := r.IntN((last.rows+last.step-1)/last.step) * last.step
		rows := chunk{from, min(last.upTo(1+r.IntN(last.rows)), last.rows-from)}
		band := 1 + r.IntN(6)
		steps := planBands(links, rows, band)
		if err := checkBands(links, steps, rows); err != nil {
			t.Fatalf("%+v, rows %v, bands of %d: %v: %v", links, rows, band, steps, err)
		}
	}
}

func randomLinks(r *rand.Rand) []link {
	links := make([]link, 1+r.IntN(4))
	height := 4 + r.IntN(20)
	for i := range links {
		l := link{height: height, stride: 1 + r.IntN(2), reach: 1 + r.IntN(4)}
		l.above = r.IntN(l.reach)
		l.rows = (height-1)/l.stride + 1
		l.step = 1 + r.IntN(min(3, l.rows))
		links[i], height = l, l.rows
	}
	return links
}

func checkBands(links []link, steps []bandStep, rows chunk) error {
	made, holds := make([]map[int]bool, len(links)), make([][]int, len(links))
	rings := make([]ring, len(links))
	for i := range links {
		made[i] = map[int]bool{}
		if i+1 < len(links) {
			rings[i] = ringFor(links, steps, i)
			holds[i] = make([]int, rings[i].rows)
		}
	}
	for _, s := range steps {
		if s.rows.n < links[s.layer].step {
			return fmt.Errorf("%v is less than a step", s)
		}
		if i := s.layer - 1; i >= 0 {
			reads := links[s.layer].reads(s.rows)
			for row := reads.at; row < reads.at+reads.n; row++ {
				if !made[i][row] || holds[i][rings[i].place[row]] != row {
					return fmt.Errorf("%v reads row %d, which its ring does not hold", s, row)
				}
			}
		}
		for k := range s.rows.n {
			row := s.rows.at + k
			if made[s.layer][row] {
				return fmt.Errorf("%v makes row %d again", s, row)
			}
			made[s.layer][row] = true
			if place := rings[s.layer].place; place != nil {
				if place[row] != place[s.rows.at]+k {
					return fmt.Errorf("the rows of %v are not next to each other", s)
				}
				holds[s.layer][place[row]] = row
			}
		}
	}
	for row := rows.at; row < rows.at+rows.n; row++ {
		if !made[len(links)-1][row] {
			return fmt.Errorf("row %d is not made", row)
		}
	}
	return nil
}

// A ring before a window of one row is as high as a band, and one before a window
// of three rows keeps two more.
func TestRings(t *testing.T) {
	pointwise := link{rows: 100, step: 1, height: 100, stride: 1, reach: 1}
	window := link{rows: 100, step: 2, height: 100, stride: 1, reach: 3, above: 1}
	for _, c := range []struct {
		after      link
		band, most int
	}{{pointwise, 4, 4}, {pointwise, 1, 1}, {window, 8, 8 + 2 + 8}, {window, 2, 2 + 2 + 2}} {
		links := []link{pointwise, c.after}
		if got := ringFor(links, planBands(links, chunk{0, 100}, c.band), 0).rows; got < c.band || got > c.most {
			t.Errorf("bands of %d rows before %+v: a ring of %d rows", c.band, c.after, got)
		}
	}
}
