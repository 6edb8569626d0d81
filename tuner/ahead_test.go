package tuner

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"qtune/tuner/replay"
)

// BenchmarkAhead searches recordings with more and more batches planned ahead of
// results, each workload alone and all as a network, and reports how fast what is
// chosen is, in % of the fastest: the geometric mean of the workloads, or the
// network. What is planned ahead is planned with less knowledge.
//
//	go test ./tuner -run - -bench Ahead -benchtime 20x
func BenchmarkAhead(b *testing.B) {
	files, err := filepath.Glob("replay/testdata/*.jsonl.gz")
	if err != nil {
		b.Fatal(err)
	}
	var all []*replay.Recording
	for _, file := range files {
		list, err := replay.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, list...)
	}
	search := func(b *testing.B, list []*replay.Recording, trials, ahead, seed int) float64 {
		cfg := replayConfig(list, &memory{}, trials, 1)
		cfg.Seed, cfg.Ahead, cfg.Runner = uint64(seed), ahead, replay.NewRunner(list, uint64(seed), 1)
		r, err := Tune(b.Context(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		best, tuned := 0.0, 0.0
		for i, rec := range list {
			best += float64(rec.Best()) * float64(cfg.Tasks[i].Count)
			tuned += float64(rec.Time(r.Tasks[i].Schedule)) * float64(cfg.Tasks[i].Count)
		}
		return best / tuned
	}
	report := func(b *testing.B, got []float64) {
		mean, squares := 0.0, 0.0
		for _, v := range got {
			mean += 100 * v / float64(len(got))
		}
		for _, v := range got {
			squares += (100*v - mean) * (100*v - mean)
		}
		b.ReportMetric(mean, "%best")
		b.ReportMetric(math.Sqrt(squares)/float64(len(got)), "+-")
	}
	for _, ahead := range []int{1, 2, 4, 8} {
		for _, trials := range []int{24, 64} {
			b.Run(fmt.Sprintf("alone/ahead=%d/trials=%d", ahead, trials), func(b *testing.B) {
				var got []float64
				for seed := range b.N {
					sum := 0.0
					for _, rec := range all {
						sum += math.Log(search(b, []*replay.Recording{rec}, trials, ahead, seed))
					}
					got = append(got, math.Exp(sum/float64(len(all))))
				}
				report(b, got)
			})
			b.Run(fmt.Sprintf("network/ahead=%d/trials=%d", ahead, trials*len(all)), func(b *testing.B) {
				var got []float64
				for seed := range b.N {
					got = append(got, search(b, all, trials*len(all), ahead, seed))
				}
				report(b, got)
			})
		}
	}
}
