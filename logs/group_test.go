package logs

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// However many trials a group has and in whatever order they came, also where times
// are equal, its fastest are found along the index, which holds fewer than all.
func TestLeaders(t *testing.T) {
	l := newLog(t)
	rng := rand.New(rand.NewPCG(1, 2))
	var all []Trial
	for i := range 12 * leaders {
		all = append(all, trial(convA, zen4, i+1, float64(1000+rng.IntN(4*leaders))))
	}
	slowest := trial(convB, zen4, 1, 1e6) // of another group
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for batch := range slices.Chunk(all, 2*leaders/3) {
		add(t, l, batch...)
	}
	add(t, l, slowest, failure(convA, zen4, 1, "crash"))
	check := func(kept int) {
		t.Helper()
		want := slices.SortedFunc(slices.Values(all), func(a, b Trial) int {
			return cmp.Or(cmp.Compare(a.CenterNS, b.CenterNS), cmp.Compare(len(a.Schedule.String()), len(b.Schedule.String())),
				cmp.Compare(a.Schedule.String(), b.Schedule.String()))
		})[:min(leaders, kept)]
		var got []string
		for s, err := range likeBest(t.Context(), l, all[0].record(), func(r *trialRow, _ Trial) string { return r.schedule }) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, s)
		}
		for i, w := range want {
			if len(got) != len(want) || got[i] != w.Schedule.String() {
				t.Fatalf("the fastest are %q", got)
			}
		}
		r, source, err := l.Best(t.Context(), query(convA, zen4))
		if err != nil || source != Exact || r.Schedule != want[0].Schedule {
			t.Errorf("best is %+v, %v, %v", r, source, err)
		}
	}
	check(len(all))
	indexed := 0
	if err := l.db.QueryRow("SELECT count(*) FROM trials WHERE status = 'ok' AND leading = 1").Scan(&indexed); err != nil || indexed > len(all)/2 {
		t.Errorf("%d of %d trials are in the index, %v", indexed, len(all), err)
	}
	if r, _, err := l.Best(t.Context(), query(convB, zen4)); err != nil || r.CenterNS != slowest.CenterNS {
		t.Errorf("best of the other workload is %+v, %v", r, err)
	}

	// Of those that are left all may be fewer than the leaders, and new ones lead.
	if _, err := l.Prune(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	check(3)
	late := trial(convA, zen4, 99_999, 1e6)
	add(t, l, late)
	if err := l.db.QueryRow("SELECT count(*) FROM trials WHERE leading = 1 AND center_ns = 1e6").Scan(&indexed); err != nil || indexed != 2 {
		t.Errorf("%d of 2 slow trials lead, %v", indexed, err)
	}
}

// Who looks for a machine's records gets those of its class alone, and those of
// other classes only where there are none.
func TestRecordsOfClass(t *testing.T) {
	l := newLog(t)
	cores := zen4
	cores.Cores = 64
	add(t, l, trial(convA, zen4, 1, 30), trial(convA, cores, 2, 20), trial(convA, zen3, 3, 10), trial(convB, zen3, 4, 10), trial(convB, icx, 5, 9))
	recordFinal(t, l, convA, zen3, 5, 6)
	recordFinal(t, l, convB, icx, 5, 6)
	for _, c := range []struct {
		query Query
		want  int
	}{
		{query(convA, zen4), 2},
		{query(convA, zen3), 2},
		{query(convA, icx), 4},
		{query(convB, zen4), 3},
		{query(convC, zen4), 0},
	} {
		records, err := l.records(t.Context(), c.query)
		if err != nil || len(records) != c.want {
			t.Errorf("%s: %d records of %d, %v", c.query.Target.Machine, len(records), c.want, err)
		}
	}
}

// What rows are found by is not what their checksums cover: Verify tells where it is
// wrong.
func TestVerifyNames(t *testing.T) {
	l := newLog(t)
	add(t, l, trial(convA, zen4, 1, 30), trial(fc, icx, 1, 30))
	if found, err := l.Verify(t.Context()); err != nil || len(found) != 0 {
		t.Fatal(found, err)
	}
	damage(t, l.Path(), "UPDATE machines SET class = 'amd' WHERE id = 1", "UPDATE workloads SET op = 'conv2d'")
	found, err := l.Verify(t.Context())
	if err != nil || len(found) != 2 {
		t.Fatal(found, err)
	}
	for _, e := range found {
		checkOneLine(t, e, l.Path())
		if !asRowError(e, new(*RowError)) {
			t.Errorf("%v is no RowError", e)
		}
	}
}
