package remote

import (
	"strings"
	"testing"

	"qtune/kernels"
	"qtune/measure"
	"qtune/schedules"
)

// limitBatch is a batch of a workload, within the limits where that is small.
func limitBatch(t *testing.T, workload string, jobs int) *Batch {
	t.Helper()
	w, err := schedules.ParseWorkload(workload)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schedules.ParseSchedule("mr=1")
	if err != nil {
		t.Fatal(err)
	}
	b := &Batch{ID: "b", Tuner: "tuner-1", Kind: Kind{Generator: kernels.Generator, ISA: schedules.AVX2, Class: "test-1-2 l1d=0 l2=0 l3=0"}}
	for i := range jobs {
		b.Jobs = append(b.Jobs, measure.Job{ID: uint64(i), Workload: w, Schedule: s, ISA: schedules.AVX2, Protocol: measure.DefaultProtocol(), Seed: 1})
	}
	return b
}

const (
	smallLayer = "dense n1 c64 o32 wz=0 perch=0 round=double sign=0 mult=lt1"
	// 116e9 multiply-accumulates.
	hugeLayer = "conv2d n1 h224 w224 c512 k3x3 o500 s1x1 d1x1 p1,1,1,1 wz=0 perch=0 round=double sign=0 mult=lt1"
)

// What a worker would be at for hours is refused, however short the samples are.
func TestSlowBatchesAreRefused(t *testing.T) {
	if _, err := limitBatch(t, hugeLayer, 1).Encode(); err != nil {
		t.Errorf("a single schedule: %v", err)
	}
	if _, err := limitBatch(t, hugeLayer, 8).Encode(); err == nil || !strings.Contains(err.Error(), "a slow schedule takes more than 10m0s") {
		t.Errorf("eight schedules of six runs of a minute each: %v", err)
	}
	many := limitBatch(t, smallLayer, 64)
	for i := range many.Jobs {
		many.Jobs[i].Protocol.Samples, many.Jobs[i].Protocol.MinSample = maxAnswer/64, 0
	}
	if _, err := many.Encode(); err != nil {
		t.Errorf("as many samples as an answer has room for: %v", err)
	}
	for i := range many.Jobs {
		many.Jobs[i].Protocol.Samples++
	}
	if _, err := many.Encode(); err == nil || !strings.Contains(err.Error(), "samples, at most") {
		t.Errorf("more samples than that: %v", err)
	}
}

// An answer to any batch within the limits fits a message, whatever it says.
func TestAnswersFit(t *testing.T) {
	b := limitBatch(t, smallLayer, 64)
	for i := range b.Jobs {
		b.Jobs[i].Protocol.Samples = maxAnswer / 64
	}
	a := &Answer{Batch: b.ID, Attempt: 1, Worker: Identity{Name: "w", Generator: kernels.Generator, Machine: schedules.Machine{Vendor: "test", Family: 1, Model: 2}}}
	worst := map[string]measure.Result{
		"messages that JSON escapes":       {Status: measure.Crash, Message: strings.Repeat("<", 4000)},
		"messages cut in a character":      {Status: measure.Crash, Message: "x" + strings.Repeat("é", 2000)},
		"messages that are not characters": {Status: measure.Crash, Message: strings.Repeat("\xff", 4000)},
		"as many samples as are allowed":   {SamplesNS: make([]float64, maxAnswer/64), Calibration: 1.2345678901234567e-3},
	}
	for i := range worst["as many samples as are allowed"].SamplesNS {
		worst["as many samples as are allowed"].SamplesNS[i] = 1.2345678901234567e-3
	}
	for name, r := range worst {
		a.Results = nil
		for _, j := range b.Jobs {
			r.ID = j.ID
			a.Results = append(a.Results, r)
		}
		data, err := a.Encode()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := DecodeAnswer(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := got.Fits(b, "w"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
