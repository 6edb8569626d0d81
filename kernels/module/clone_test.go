package module

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"qtune/kernels"
	"qtune/qnn"
	"qtune/qnn/ref"
	"qtune/schedules"
)

// Clones compute at the same time, each on its own inputs, and outlive the
// module that they are clones of.
func TestClones(t *testing.T) {
	g := randomNetwork(rand.New(rand.NewPCG(7, 7)))
	for _, o := range variants() {
		o.Threads = 2
		m, err := Compile(g, o)
		if err != nil {
			t.Fatal(err)
		}
		var clones []*Module
		for range 3 {
			c, err := m.Clone()
			if err != nil {
				t.Fatal(err)
			}
			clones = append(clones, c)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i, c := range clones {
			wg.Go(func() {
				inputs := randomInputs(g, uint64(i))
				want, err := ref.Run(g, inputs)
				if err != nil {
					t.Error(err)
					return
				}
				for range 5 {
					got, err := c.Run(inputs)
					if err != nil || !bytes.Equal(got[0], want.Outputs(g)[0]) {
						t.Errorf("%s%s: clone %d: wrong output (%v)", o.ISA, modeName(o.Mode), i, err)
					}
				}
			})
		}
		wg.Wait()
		for _, c := range clones {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// An inference allocates nothing.
func TestRunAllocatesNothing(t *testing.T) {
	isas := schedules.HostISAs()
	if len(isas) == 0 {
		t.Skip("this CPU executes no generated code")
	}
	for _, threads := range []int{1, 2} {
		b := &networkMaker{Rand: rand.New(rand.NewPCG(1, 1)), g: &qnn.Graph{}}
		x := b.activation(qnn.Shape{1, 16, 16, 16})
		b.g.Inputs, b.live = []qnn.TensorID{x}, []qnn.TensorID{x}
		b.conv(x, 3, 1, 16)
		b.conv(b.live[1], 1, 1, 16)
		b.g.Outputs = b.live[len(b.live)-1:]
		m := compile(t, b.g, Options{ISA: isas[0], Threads: threads})
		inputs := randomInputs(b.g, 1)
		n := testing.AllocsPerRun(20, func() {
			if _, err := m.Run(inputs); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%d threads: %v allocations in an inference", threads, n)
		}
	}
}

// Teams larger than the machine compute every part once, also where workers come
// late or not at all.
func TestCrowdedTeams(t *testing.T) {
	const threads, parts = 9, 13
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			team := newTeam(threads)
			var counts [parts]int // of a part's own runs: the race detector watches
			var list []kernels.Part
			for i := range parts {
				list = append(list, func() error { counts[i]++; return nil })
			}
			phases := []*phase{newPhase(list), newPhase(list[:1]), newPhase(list[:4])}
			const inferences = 300
			for range inferences {
				team.begin()
				for _, p := range phases {
					if err := team.run(p); err != nil {
						t.Error(err)
					}
				}
				team.end()
			}
			team.close()
			for i, n := range counts {
				want := inferences
				if i < 4 {
					want += inferences
				}
				if i < 1 {
					want += inferences
				}
				if n != want {
					t.Errorf("part %d ran %d times, want %d", i, n, want)
				}
			}
		})
	}
	wg.Wait()
}

// TestManyParts: a phase of more parts than a share can count runs each once.
func TestManyParts(t *testing.T) {
	ran := make([]int, maxParts+5000)
	var list []kernels.Part
	for i := range ran {
		list = append(list, func() error { ran[i]++; return nil })
	}
	team := newTeam(2)
	defer team.close()
	team.begin()
	if err := team.run(newPhase(list)); err != nil {
		t.Fatal(err)
	}
	team.end()
	for i, n := range ran {
		if n != 1 {
			t.Fatalf("part %d ran %d times", i, n)
		}
	}
}

// A worker that has read the epoch of a phase that is over takes nothing of the
// next one, also where it had no part of its own in the old one.
func TestLateWorker(t *testing.T) {
	team := &team{n: 3, shares: make([]share, 3)}
	ran := 0
	part := func() error { ran++; return nil }
	if err := team.run(newPhase([]kernels.Part{part, part})); err != nil || ran != 2 {
		t.Fatal(ran, err)
	}
	late := team.start.epoch.Load()
	team.start.phases[(late+1)%2].Store(newPhase([]kernels.Part{part, part, part, part})) // as run does first
	for thread := range 3 {
		if n := team.compute(team.start.phaseOf(late), late, thread); n != 0 {
			t.Errorf("thread %d computed %d parts too early", thread, n)
		}
	}
	team.start.epoch.Store(late + 1)
	if n := team.compute(team.start.phaseOf(late), late, 2); n != 0 {
		t.Errorf("%d parts computed in an epoch that is over", n)
	}
}

// The error of a part reaches the caller, whoever ran it.
func TestTeamErrors(t *testing.T) {
	team := newTeam(3)
	defer team.close()
	bad := errors.New("bad")
	nothing := func() error { return nil }
	for i := range 4 {
		list := []kernels.Part{nothing, nothing, nothing, nothing}
		list[i] = func() error { return bad }
		p := newPhase(list)
		team.begin()
		if err := team.run(p); err != bad {
			t.Errorf("part %d failed; the team says %v", i, err)
		}
		team.end()
	}
}
