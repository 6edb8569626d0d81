package sim

import (
	"context"
	"reflect"
	"testing"
	"time"

	"qtune/measure"
	"qtune/schedules"
)

func testJobs(t *testing.T) []measure.Job {
	t.Helper()
	w, err := schedules.ParseWorkload("dense n1 c128 o64 wz=0 perch=0 round=double sign=0 mult=lt1")
	if err != nil {
		t.Fatal(err)
	}
	var jobs []measure.Job
	for i, text := range []string{"mr=1 nv=2 op=reg", "mr=1 nv=4 op=reg", "mr=8 nv=4 op=mem"} {
		s, err := schedules.ParseSchedule(text)
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, measure.Job{ID: uint64(i + 1), Workload: w, Schedule: s, ISA: schedules.AVX2, Protocol: measure.DefaultProtocol()})
	}
	return jobs
}

func TestDeterministic(t *testing.T) {
	jobs := testJobs(t)
	a, err := New(Config{Seed: 1, Noise: 0.02}).Measure(t.Context(), jobs)
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(Config{Seed: 1, Noise: 0.02}).Measure(t.Context(), jobs)
	if err != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("two runs differ: %v, %v, %v", a, b, err)
	}
	other, err := New(Config{Seed: 2, Noise: 0.02}).Measure(t.Context(), jobs)
	if err != nil || reflect.DeepEqual(a, other) {
		t.Errorf("the seed does not matter: %v", err)
	}
	r := New(Config{Seed: 1})
	for i, res := range a {
		cost := r.Cost(jobs[i].Workload, jobs[i].Schedule)
		if res.ID != jobs[i].ID || res.Status != measure.OK || res.Summary.Center < cost || res.Summary.Center > cost*1.1 {
			t.Errorf("job %d: %+v, true cost %v", i, res, cost)
		}
	}
}

func TestFailuresAndCancel(t *testing.T) {
	jobs := testJobs(t)
	r := New(Config{Delay: time.Millisecond, Fail: func(j measure.Job) (measure.Status, string) {
		if j.ID == 2 {
			return measure.Crash, "SIGILL"
		}
		return measure.OK, ""
	}})
	res, err := r.Measure(t.Context(), jobs)
	if err != nil || res[0].Status != measure.OK || res[1].Status != measure.Crash || res[1].Message != "SIGILL" || res[1].SamplesNS != nil {
		t.Errorf("%+v, %v", res, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Measure(ctx, jobs); err == nil {
		t.Error("measured after the end of the context")
	}
}
