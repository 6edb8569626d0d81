package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qtune/kernels"
	"qtune/measure"
	"qtune/schedules"
)

const class = "amd-26-2 l1d=49152 l2=1048576 l3=33554432"

func workload(t testing.TB, text string) schedules.Workload {
	t.Helper()
	w, err := schedules.ParseWorkload(text)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// pointwise is the text of a 1x1 convolution.
func pointwise(h, w, c, o int) string {
	return fmt.Sprintf("conv2d n1 h%d w%d c%d k1x1 o%d s1x1 d1x1 p0,0,0,0 wz=1 perch=0 round=double sign=0 mult=lt1", h, w, c, o)
}

func batch(t testing.TB) *Batch {
	t.Helper()
	b := &Batch{ID: "t-1-7", Tuner: "desk", Kind: Kind{kernels.Generator, schedules.AVX2, class}, Avoid: "board-2"}
	for i, text := range []string{"", "mr=4 nr=2", "mr=6"} {
		s, err := schedules.ParseSchedule(text)
		if err != nil {
			t.Fatal(err)
		}
		b.Jobs = append(b.Jobs, measure.Job{ID: uint64(i), Workload: workload(t, pointwise(56, 56, 64, 256)), Schedule: s, ISA: schedules.AVX2,
			Mode: kernels.Native, Protocol: measure.DefaultProtocol(), Seed: 3, GiveUp: measure.Nanos(1000 * i)})
	}
	return b
}

func encode(t testing.TB, v interface{ Encode() ([]byte, error) }) []byte {
	t.Helper()
	data, err := v.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// same compares, also what is not exported.
func same(a, b any) string {
	return cmp.Diff(a, b, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b schedules.Schedule) bool { return a == b }),
		cmp.Comparer(func(a, b schedules.Workload) bool { return a == b }))
}

// wantLine checks an error that its reader may see: one short line.
func wantLine(t *testing.T, what string, err error, want string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("%s: accepted", what)
	case !strings.Contains(err.Error(), want):
		t.Errorf("%s: %v, want %q", what, err, want)
	case strings.Contains(err.Error(), "\n") || len(err.Error()) > 700:
		t.Errorf("%s: not one short line: %q", what, err)
	}
}

func TestBatchRoundTrip(t *testing.T) {
	want := batch(t)
	got, err := DecodeBatch(encode(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if d := same(want, got); d != "" {
		t.Error(d)
	}
}

// Whatever does not encode does not decode either: a tuner finds out by itself.
func TestBatchesBeyondALimitAreRefused(t *testing.T) {
	all := func(b *Batch, f func(*measure.Job)) {
		for i := range b.Jobs {
			f(&b.Jobs[i])
		}
	}
	layer := func(text string) func(*Batch) {
		return func(b *Batch) { all(b, func(j *measure.Job) { j.Workload = workload(t, text) }) }
	}
	protocol := func(f func(*measure.Protocol)) func(*Batch) {
		return func(b *Batch) { all(b, func(j *measure.Job) { f(&j.Protocol) }) }
	}
	for _, c := range []struct {
		want string
		do   func(*Batch)
	}{
		{"batch ID", func(b *Batch) { b.ID = "" }},
		{"batch ID", func(b *Batch) { b.ID = "a.b" }},
		{"batch ID", func(b *Batch) { b.ID = "a b" }},
		{"batch ID", func(b *Batch) { b.ID = strings.Repeat("x", 65) }},
		{"batch ID", func(b *Batch) { b.ID = "tab\t" }},
		{"name", func(b *Batch) { b.Tuner = "" }},
		{"name", func(b *Batch) { b.Tuner = "*" }},
		{"name", func(b *Batch) { b.Tuner = "a.b" }},
		{"name", func(b *Batch) { b.Tuner = "-a" }},
		{"name", func(b *Batch) { b.Tuner = strings.Repeat("x", 33) }},
		{"name", func(b *Batch) { b.Avoid = "Upper" }},
		{"machine class of 0", func(b *Batch) { b.Kind.Class = "" }},
		{"machine class of 201", func(b *Batch) { b.Kind.Class = strings.Repeat("x", 201) }},
		{"is not printable", func(b *Batch) { b.Kind.Class = "a\x1b[2Jb" }},
		{"generator", func(b *Batch) { b.Kind.Generator = "" }},
		{"unknown target", func(b *Batch) { b.Kind.ISA = "sse9" }},
		{"nothing to measure", func(b *Batch) { b.Kind.ISA = schedules.Ref; all(b, func(j *measure.Job) { j.ISA = schedules.Ref }) }},
		{"0 jobs", func(b *Batch) { b.Jobs = nil }},
		{"65 jobs", func(b *Batch) { b.Jobs = slices.Repeat(b.Jobs[:1], 65) }},
		{"is there twice", func(b *Batch) { b.Jobs[2].ID = b.Jobs[1].ID }},
		{"is for avx2, not avxvnni", func(b *Batch) { b.Kind.ISA = schedules.AVXVNNI }},
		{"of another workload", func(b *Batch) { b.Jobs[1].Workload = workload(t, pointwise(28, 28, 64, 256)) }},
		{"of another workload", func(b *Batch) { b.Jobs[1].Seed++ }},
		{"of another workload", func(b *Batch) { b.Jobs[1].Protocol.Samples++ }},
		{"of another workload", func(b *Batch) { b.Jobs[1].ISA = schedules.AVXVNNI }},
		{"of another workload", func(b *Batch) { b.Jobs[1].Mode = kernels.Emulated }},
		{"gives up at -1 ns", func(b *Batch) { b.Jobs[1].GiveUp = -1 }},
		{"gives up at 1e+16 ns", func(b *Batch) { b.Jobs[1].GiveUp = 1e16 }},
		{"a layer of", layer(pointwise(4096, 4096, 64, 1))},
		{"multiply-accumulates", layer("conv2d n1 h1024 w1024 c128 k3x3 o256 s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=0 mult=lt1")},
		{"more than 1m0s of samples", protocol(func(p *measure.Protocol) { p.MinSample, p.Samples = time.Second, 20 })},
		{"a slow schedule takes more than", func(b *Batch) {
			layer(pointwise(112, 112, 64, 256))(b)
			protocol(func(p *measure.Protocol) { p.MinSample, p.WarmUp = 0, 10_000 })(b)
		}},
		{"samples, at most", func(b *Batch) {
			layer(pointwise(1, 1, 1, 1))(b)
			protocol(func(p *measure.Protocol) { p.MinSample, p.Samples = 0, 10_000 })(b)
		}},
		{"asks for 2 threads", protocol(func(p *measure.Protocol) { p.Threads = 2 })},
		{"asks for core 3", protocol(func(p *measure.Protocol) { p.Core = 3 })},
		{"samples", protocol(func(p *measure.Protocol) { p.Samples = 0 })},
		{"warm-up", protocol(func(p *measure.Protocol) { p.WarmUp = -1 })},
		{"cache state", protocol(func(p *measure.Protocol) { p.Cache = "hot" })},
	} {
		b := batch(t)
		c.do(b)
		_, err := b.Encode()
		wantLine(t, c.want, err, c.want)
	}
}

// edit changes the JSON of a message.
func edit(t *testing.T, data []byte, f func(map[string]any)) []byte {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	f(m)
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func set(key string, value any) func(map[string]any) {
	return func(m map[string]any) { m[key] = value }
}

func TestForeignBatchesAreRefused(t *testing.T) {
	good := encode(t, batch(t))
	job := func(key string, value any) func(map[string]any) {
		return func(m map[string]any) { m["Jobs"].([]any)[1].(map[string]any)[key] = value }
	}
	long := strings.Repeat("x", 100_000)
	for _, c := range []struct {
		want string
		edit func(map[string]any)
	}{
		{"batch ID", set("ID", "../x")},
		{"name", set("Tuner", "a>")},
		{"cannot unmarshal", set("ID", 7)},
		{"cannot unmarshal", set("Jobs", "all")},
		{"cannot unmarshal", set("Seed", -1)},
		{"0 jobs", set("Jobs", []any{})},
		{"unknown target", set("ISA", "sse9")},
		{"unknown target", set("ISA", long)},
		{"workload", set("Workload", long)},
		{"workload", set("Workload", "conv2d n1 h99999999999 w99999999999 c99999999999 k1x1 o99999999999 s1x1 d1x1 p0,0,0,0 wz=1 perch=0 round=double sign=0 mult=lt1")},
		{"workload", set("Workload", pointwise(2147483647, 2147483647, 2147483647, 2147483647))},
		{"workload", set("Workload", pointwise(-1, -1, -1, -1))},
		{"workload", set("Workload", pointwise(0, 0, 0, 0))},
		{"workload", set("Workload", "rm -rf /")},
		{"protocol", set("Protocol", long)},
		{"protocol", set("Protocol", "warmup=1 samples=1000000000 min=1h cache=warm threads=1 core=any")},
		{"schedule", job("Schedule", "mr=4 mr=5")},
		{"schedule", job("Schedule", long)},
		{"schedule", job("Schedule", "mr=../../x")},
		{"job 1: gives up", job("GiveUp", -5)},
		{"cannot unmarshal", job("GiveUp", "never")},
		{"cannot unmarshal", job("ID", 1.5)},
		{"is there twice", job("ID", 0)},
	} {
		_, err := DecodeBatch(edit(t, good, c.edit))
		wantLine(t, c.want, err, c.want)
	}
	for _, data := range []string{"", "null", "[]", "7", "{}", `{"V":1}`, string(good[:len(good)/2]), string(good) + "x", strings.Repeat("[", 200_000), strings.Repeat(" ", MaxMessage+1)} {
		if _, err := DecodeBatch([]byte(data)); err == nil {
			t.Errorf("%.20q is accepted", data)
		} else {
			wantLine(t, data[:min(len(data), 20)], err, "")
		}
	}
}

// A schedule of absurd numbers is text like any other: what it means is for the
// generator to refuse.
func TestAbsurdSchedulesAreKept(t *testing.T) {
	b := batch(t)
	s, err := schedules.ParseSchedule("mr=99999999999999999999 nr=0")
	if err != nil {
		t.Fatal(err)
	}
	b.Jobs[1].Schedule = s
	got, err := DecodeBatch(encode(t, b))
	if err != nil || got.Jobs[1].Schedule != s {
		t.Errorf("%v, %v", got, err)
	}
}

// Batches of another version say whose they are, so that somebody can be told.
func TestOtherVersionsAreRefusedByName(t *testing.T) {
	good := encode(t, batch(t))
	for _, c := range []struct {
		what string
		edit func(map[string]any)
	}{
		{"protocol", set("V", Version+1)},
		{"protocol", set("V", 0)},
		{"protocol", func(m map[string]any) { m["V"], m["Jobs"], m["Seed"] = Version+1, "elsewhere", map[string]any{} }},
		{"generator", set("Generator", "6")},
		{"generator", func(m map[string]any) {
			m["Generator"], m["ISA"], m["Workload"] = strings.Repeat("7", 5000), "avx10", "conv7d"
		}},
	} {
		b, err := DecodeBatch(edit(t, good, c.edit))
		var version *VersionError
		if !errors.As(err, &version) || version.What != c.what {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		wantLine(t, c.what, err, "version")
		if b == nil || b.ID != "t-1-7" || b.Tuner != "desk" {
			t.Errorf("%s: the batch is %+v", c.what, b)
		}
	}
	for name, decode := range map[string]func([]byte) error{
		"answer": func(d []byte) error { _, err := DecodeAnswer(d); return err },
		"beat":   func(d []byte) error { _, err := DecodeBeat(d); return err },
		"status": func(d []byte) error { _, err := DecodeStatus(d); return err },
	} {
		for _, text := range []string{`{"V":2}`, `{"V":2,"Batch":7,"Worker":"x","Identity":[],"Cores":"all"}`, `{}`} {
			var version *VersionError
			if err := decode([]byte(text)); !errors.As(err, &version) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func FuzzDecodeBatch(f *testing.F) {
	f.Add(encode(f, batch(f)))
	f.Add([]byte(`{"V":1,"ID":"a","Tuner":"b","Generator":"7","ISA":"avx2","Class":"c","Workload":"","Protocol":"","Jobs":[{}]}`))
	f.Add([]byte(`{"V":2,"ID":"a","Tuner":"b","Jobs":7}`))
	f.Add([]byte(`{"v":1,"V":1,"id":"a"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := DecodeBatch(data)
		if err != nil {
			if strings.Contains(err.Error(), "\n") || len(err.Error()) > 700 {
				t.Errorf("not one short line: %q", err)
			}
			return
		}
		again, err := DecodeBatch(encode(t, b))
		if err != nil {
			t.Fatal(err)
		}
		if d := same(b, again); d != "" {
			t.Error(d)
		}
	})
}
