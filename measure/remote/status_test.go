package remote

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"qtune/schedules"
)

func status(t testing.TB) *Status {
	t.Helper()
	at := time.Date(2026, 11, 26, 8, 0, 0, 123, time.UTC)
	return &Status{Identity: identity(t), ISAs: []schedules.ISA{schedules.AVX512VNNI, schedules.AVX2}, Cores: []int{1, 3},
		Labels: map[string]string{"rack": "7 left"}, State: Waiting, Why: "core 1 is busy", Trials: 1234, PerSecond: 12.5, Failures: 3, Lost: 1,
		Calibration: 101.5, First: 100, Load: -1, Started: at, Seen: at.Add(time.Hour)}
}

func TestStatusRoundTrip(t *testing.T) {
	want := status(t)
	got, err := DecodeStatus(encode(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if d := same(want, got); d != "" {
		t.Error(d)
	}
}

// All that the limits allow fits into the workers' bucket, or its sender hears of it.
func TestLargeStatuses(t *testing.T) {
	s := status(t)
	s.Cores, s.Labels, s.Why = nil, map[string]string{}, strings.Repeat("w", 5000)
	for i := range maxCores {
		s.Cores = append(s.Cores, i)
	}
	for i := range maxLabels {
		s.Labels[fmt.Sprintf("label-%026d", i)] = strings.Repeat("x", maxLabel)
	}
	got, err := DecodeStatus(encode(t, s))
	if err != nil || len(got.Why) != maxText {
		t.Errorf("%v, %v", got, err)
	}
	s.Cores = slices.Repeat([]int{65536}, 3*maxCores)
	_, err = s.Encode()
	wantLine(t, "too many cores", err, "at most 16384 are allowed")
}

func TestForeignStatusesAreRefused(t *testing.T) {
	good := encode(t, status(t))
	long := strings.Repeat("x", 5000)
	many := map[string]any{}
	for i := range maxLabels + 1 {
		many[fmt.Sprint("l", i)] = "x"
	}
	for _, c := range []struct {
		want string
		edit func(map[string]any)
	}{
		{"name", func(m map[string]any) { m["Identity"].(map[string]any)["Name"] = "A" }},
		{"unknown target", set("ISAs", []any{"sse9"})},
		{"unknown target", set("ISAs", []any{long})},
		{"6 targets", set("ISAs", slices.Repeat([]any{"avx2"}, 6))},
		{"1025 cores", set("Cores", slices.Repeat([]any{1}, maxCores+1))},
		{"core -1", set("Cores", []any{-1})},
		{"core 100000", set("Cores", []any{100_000})},
		{"state", set("State", long)},
		{"state", set("State", "\x1b[31mgone")},
		{"a reason of 5000 bytes", set("Why", long)},
		{"33 labels", set("Labels", many)},
		{"label", set("Labels", map[string]any{"A": "x"})},
		{"label a", set("Labels", map[string]any{"a": long})},
		{"label a", set("Labels", map[string]any{"a": "\x07"})},
		{"trials: -1", set("Trials", -1)},
		{"failures: -1", set("Failures", -1)},
		{"lost batches: -1", set("Lost", -1)},
		{"trials a second: -1", set("PerSecond", -1)},
		{"trials a second: 1e+300", set("PerSecond", 1e300)},
		{"calibration: -1", set("Calibration", -1)},
		{"load", set("Load", -2)},
		{"parsing time", set("Seen", "yesterday")},
	} {
		_, err := DecodeStatus(edit(t, good, c.edit))
		wantLine(t, c.want, err, c.want)
	}
	_, err := DecodeStatus([]byte(strings.Repeat(" ", maxStatus+1)))
	wantLine(t, "a long one", err, "at most 16384")
}

func FuzzDecodeStatus(f *testing.F) {
	f.Add(encode(f, status(f)))
	f.Add([]byte(`{"V":1,"Identity":{"Name":"x","Machine":"a-1-1 cores=1 l1d=1 l2=1 l3=1"},"Why":"\u001b\n","Started":"0001-01-01T00:00:00+23:59","Seen":"9999-12-31T23:59:59.999999999Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := DecodeStatus(data)
		if err != nil {
			if strings.Contains(err.Error(), "\n") || len(err.Error()) > 700 {
				t.Errorf("not one short line: %q", err)
			}
			return
		}
		out, err := s.Encode()
		if err != nil {
			if len(data) < maxStatus/8 { // the escapes of JSON can be longer
				t.Fatal(err)
			}
			return
		}
		again, err := DecodeStatus(out)
		if err != nil {
			t.Fatal(err)
		}
		if d := same(s, again); d != "" {
			t.Error(d)
		}
	})
}
