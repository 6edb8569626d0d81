package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestCut cuts random grids: each cell is in one piece of one part, parts that
// are whole share no row or block, and others are as large as each other but for
// a cell.
func TestCut(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		g := &grid{rows: 1 + r.IntN(20), blocks: 1 + r.IntN(6), full: 1 << r.IntN(3)}
		g.tail = 1 + r.IntN(g.full)
		n, blockMajor, whole := 1+r.IntN(8), r.IntN(2) == 0, r.IntN(2) == 0
		if err := checkCut(g, g.cut(n, blockMajor, whole), n, whole); err != nil {
			t.Fatalf("%+v in %d parts, by blocks %v, whole %v: %v", *g, n, blockMajor, whole, err)
		}
	}
}

func checkCut(g *grid, s shares, n int, whole bool) error {
	if len(s.parts) > n {
		return fmt.Errorf("%d parts", len(s.parts))
	}
	owner := make([]int, g.rows*g.blocks)  // 1 + part
	majors := make([]int, g.rows+g.blocks) // the same, of rows or blocks
	ideal := float64(g.rows*g.vectors(chunk{0, g.blocks})) / float64(n)
	largest := float64(g.full)
	for i, part := range s.parts {
		size := 0
		for _, p := range part {
			size += p.rows.n * g.vectors(p.blocks)
			for y := p.rows.at; y < p.rows.at+p.rows.n; y++ {
				for b := p.blocks.at; b < p.blocks.at+p.blocks.n; b++ {
					major := y
					if s.blockMajor {
						major = b
					}
					if owner[y*g.blocks+b] != 0 {
						return fmt.Errorf("row %d, block %d: in parts %d and %d", y, b, owner[y*g.blocks+b]-1, i)
					}
					if whole && majors[major] != 0 && majors[major] != i+1 {
						return fmt.Errorf("row or block %d: in parts %d and %d", major, majors[major]-1, i)
					}
					owner[y*g.blocks+b], majors[major] = i+1, i+1
				}
			}
		}
		if d := float64(size) - ideal; !whole && (d > largest || -d > largest) {
			return fmt.Errorf("part %d has %d of %.1f vectors", i, size, ideal)
		}
	}
	for i, part := range owner {
		if part == 0 {
			return fmt.Errorf("row %d, block %d: in no part", i/g.blocks, i%g.blocks)
		}
	}
	return nil
}

// TestBestCut: what decides how threads share a layer.
func TestBestCut(t *testing.T) {
	for _, c := range []struct {
		name string
		g    grid
		want string
	}{
		{"even rows", grid{rows: 28, blocks: 2, full: 4, tail: 4, cellSteps: 1e6, rowBytes: 3e3, blockBytes: 1e4, byteSteps: 10}, "[[{{0 14} {0 2}}] [{{14 14} {0 2}}]] false"},
		{"odd rows", grid{rows: 7, blocks: 2, full: 4, tail: 4, cellSteps: 1e6, rowBytes: 3e3, blockBytes: 1e4, byteSteps: 10},
			"[[{{0 3} {0 2}} {{3 1} {0 1}}] [{{3 1} {1 1}} {{4 3} {0 2}}]] false"},
		{"large weights", grid{rows: 8, blocks: 6, full: 4, tail: 4, cellSteps: 2e6, rowBytes: 3e3, blockBytes: 3e5, byteSteps: 10}, "[[{{0 8} {0 3}}] [{{0 8} {3 3}}]] true"},
		{"large weights in odd blocks", grid{rows: 8, blocks: 5, full: 4, tail: 4, cellSteps: 2e6, rowBytes: 3e3, blockBytes: 3e5, byteSteps: 10},
			"[[{{0 8} {0 2}} {{0 4} {2 1}}] [{{4 4} {2 1}} {{0 8} {3 2}}]] true"},
	} {
		s := c.g.best(2, 2)
		if got := fmt.Sprint(s.parts, s.blockMajor); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
