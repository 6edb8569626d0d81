package logs

import (
	"context"
	"slices"
	"testing"

	"qtune/schedules"
)

func TestSearch(t *testing.T) {
	ctx := context.Background()
	l := newLog(t)
	add(t, l, trial(convA, zen4, 1, 50), trial(convA, zen4, 2, 40), failure(convA, zen4, 3, "crash"), trial(convA, icx, 1, 60),
		failure(fc, zen4, 1, "timeout"), trial(convB, zen4, 1, 70))
	on := func(m schedules.Machine) schedules.Target { return schedules.Target{ISA: schedules.AVX2, Machine: m} }
	for text, want := range map[string][]Match{
		"c128":             {{convA, on(zen4), 3, 1, 40}, {convA, on(icx), 1, 0, 60}},
		"conv2d c160 k1x7": {{convB, on(zen4), 1, 0, 70}},
		"dense":            {{fc, on(zen4), 1, 1, 0}},
		"' OR 1=1 --":      nil,
		"%":                nil, // no pattern, but text
	} {
		got, more, err := l.Search(ctx, text, 10)
		if err != nil || more || !slices.Equal(got, want) {
			t.Errorf("%q: %+v, %v, %v, want %+v", text, got, more, err, want)
		}
	}
	if got, more, err := l.Search(ctx, "", 3); err != nil || !more || len(got) != 3 {
		t.Errorf("the first 3 of 4: %d, more %v, %v", len(got), more, err)
	}
}
