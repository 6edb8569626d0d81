package logs

import "testing"

// One commit of 100 trials, then what a resuming tuner and the compiler read
// from 10,000 trials of a workload.

func BenchmarkAppend100(b *testing.B) {
	l := newLog(b)
	mr := 0
	for b.Loop() {
		trials := make([]Trial, 100)
		for i := range trials {
			mr++
			trials[i] = trial(convA, zen4, mr, float64(mr))
		}
		add(b, l, trials...)
	}
}

func tenThousand(b *testing.B) *Log {
	l := newLog(b)
	trials := make([]Trial, 10_000)
	for i := range trials {
		trials[i] = trial(convA, zen4, i+1, float64(i+1))
	}
	add(b, l, trials...)
	return l
}

func BenchmarkReadTrials(b *testing.B) {
	l := tenThousand(b)
	for b.Loop() {
		n := 0
		for _, err := range l.Trials(b.Context(), convA, query(convA, zen4).Target) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 10_000 {
			b.Fatal(n)
		}
	}
}

func BenchmarkBest(b *testing.B) {
	l := tenThousand(b)
	for b.Loop() {
		if _, source, err := l.Best(b.Context(), query(convA, zen4)); err != nil || source != Exact {
			b.Fatal(source, err)
		}
	}
}
