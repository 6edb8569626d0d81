package module

import (
	"fmt"
	"testing"
	"time"

	"qtune/kernels"
)

// BenchmarkPhase is what a phase costs beside its work: of two parts that take a
// while, and nothing else to share.
func BenchmarkPhase(b *testing.B) {
	for _, work := range []time.Duration{0, time.Microsecond, 5 * time.Microsecond, 20 * time.Microsecond} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%v/threads=%d", work, threads), func(b *testing.B) {
				spin := func() error {
					for start := time.Now(); time.Since(start) < work; {
					}
					return nil
				}
				t := newTeam(threads)
				p := newPhase([]kernels.Part{spin, spin})
				t.begin()
				for b.Loop() {
					if err := t.run(p); err != nil {
						b.Fatal(err)
					}
				}
				t.end()
				t.close()
			})
		}
	}
}
