package worker

import (
	"encoding/json"
	"strings"
	"testing"

	"qtune/measure/remote"
	"qtune/measure/sim"
	"qtune/schedules"
)

func TestBatchesThatAreNotForThisWorkerAreRefused(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, testLease, schedules.AVX2)
	w := start(t, h.url(), Config{Runner: sim.New(sim.Config{}), MaxBatch: 4}, nil)
	edit := func(change func(map[string]any)) func(*remote.Batch) []byte {
		return func(b *remote.Batch) []byte {
			data, err := b.Encode()
			if err != nil {
				t.Fatal(err)
			}
			fields := map[string]any{}
			if err := json.Unmarshal(data, &fields); err != nil {
				t.Fatal(err)
			}
			change(fields)
			if data, err = json.Marshal(fields); err != nil {
				t.Fatal(err)
			}
			return data
		}
	}
	cases := []struct {
		name, want string
		jobs       int
		make       func(*remote.Batch) []byte
	}{
		{"protocol", "protocol version", 2, edit(func(f map[string]any) { f["V"] = 99 })},
		{"generator", `generator version "0"`, 2, edit(func(f map[string]any) { f["Generator"] = "0" })},
		{"class", "it is for avx2 on another-0-0", 2, edit(func(f map[string]any) { f["Class"] = "another-0-0 l1d=0 l2=0 l3=0" })},
		{"isa", "it is for avxvnni on test-1-2", 2, edit(func(f map[string]any) { f["ISA"] = "avxvnni" })},
		{"unknown-isa", "sse9", 2, edit(func(f map[string]any) { f["ISA"] = "sse9" })},
		{"schedule", "job 1", 2, edit(func(f map[string]any) { f["Jobs"].([]any)[0].(map[string]any)["Schedule"] = "\x00" })},
		{"workload", "conv", 2, edit(func(f map[string]any) { f["Workload"] = "conv2d n0" })},
		{"no-jobs", "0 jobs", 2, edit(func(f map[string]any) { f["Jobs"] = nil })},
		{"threads", "2 threads", 2, edit(func(f map[string]any) {
			f["Protocol"] = strings.ReplaceAll(f["Protocol"].(string), "threads=1", "threads=2")
		})},
		{"core", "core 3", 2, edit(func(f map[string]any) {
			f["Protocol"] = strings.ReplaceAll(f["Protocol"].(string), "core=any", "core=3")
		})},
		{"long", "more than 1m0s", 2, edit(func(f map[string]any) {
			f["Protocol"] = "warmup=1 samples=100 min=1s cache=warm threads=1 core=any"
		})},
		{"answer-too-large", "samples, at most", 2, edit(func(f map[string]any) {
			f["Protocol"] = "warmup=1 samples=9000 min=0s cache=warm threads=1 core=any"
		})},
		{"too-many", "worker-1 takes at most 4", 5, edit(func(map[string]any) {})},
		{"avoid", "another worker than worker-1", 2, edit(func(f map[string]any) { f["Avoid"] = "worker-1" })},
	}
	for _, c := range cases {
		b := u.batch(c.name, schedules.AVX2, c.jobs)
		u.putRaw(b.Kind.Subject(u.name), c.make(b))
		a := u.answer()
		if a.Batch != c.name || !strings.Contains(a.Refused, c.want) || a.Results != nil {
			t.Errorf("%s: batch %s, refused %q, %d results; want a refusal that says %q", c.name, a.Batch, a.Refused, len(a.Results), c.want)
		}
		if err := a.Fits(b, "worker-1"); err != nil {
			t.Error(err)
		}
	}
	u.put(u.batch("good", schedules.AVX2, 4))
	if a := u.answer(); a.Batch != "good" || a.Refused != "" {
		t.Errorf("after refusals: %+v", a)
	}
	w.end()
	if s := u.state("worker-1", remote.Gone); s.Trials != 4 {
		t.Errorf("%d trials, want those of one batch", s.Trials)
	}
}

// What cannot be answered is taken out of the queue, and nothing is published.
func TestUnreadableBatchesEnd(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, testLease, schedules.AVX2)
	start(t, h.url(), Config{Runner: sim.New(sim.Config{})}, nil)
	stranger := u.batch("of-a-stranger", schedules.AVX2, 1)
	stranger.Tuner = "tuner-2"
	data, err := stranger.Encode()
	if err != nil {
		t.Fatal(err)
	}
	subject := testKind(schedules.AVX2).Subject(u.name)
	for _, text := range []string{"", "\xff\xfe", "[1]", `{"V":1,"ID":"a b","Tuner":"tuner-1"}`, `{"V":1,"ID":"b","Tuner":"*"}`, string(data)} {
		u.putRaw(subject, []byte(text))
	}
	u.put(u.batch("good", schedules.AVX2, 1))
	if a := u.answer(); a.Batch != "good" {
		t.Errorf("answer to %s", a.Batch)
	}
	u.finished()
	if n := u.published(); n != 1 {
		t.Errorf("%d answers were published, want that to the good batch", n)
	}
}
