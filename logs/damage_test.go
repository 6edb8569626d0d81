package logs

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// damagedRounds is how many damaged copies TestRandomDamage makes.
const damagedRounds = 40

// Whatever bytes of the file are overwritten: it is refused with one line, or
// every row that is read is one that was written, what is lost is reported, and
// the rest can be looked up, exported and imported elsewhere.
func TestRandomDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tune.db")
	l := open(t, path, Options{})
	written := map[string]Trial{}
	var trials []Trial
	for i := range 300 {
		tr := trial(convA, zen4, i+1, float64(1000+i))
		if i%2 == 1 {
			tr = trial(convB, zen3, i+1, float64(1000+i))
		}
		trials = append(trials, tr)
		written[tr.Schedule.String()] = tr
	}
	add(t, l, trials...)
	recordFinal(t, l, convA, zen4, 900, 950)
	l.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	refused, partly := 0, 0
	for round := range damagedRounds {
		file := append([]byte(nil), whole...)
		for range 1 + rng.IntN(20) {
			at := rng.IntN(len(file))
			for i := at; i < min(at+1+rng.IntN(1<<rng.IntN(12)), len(file)); i++ {
				file[i] = byte(rng.Uint32())
			}
		}
		if err := os.WriteFile(path, file, 0o666); err != nil {
			t.Fatal(err)
		}
		switch checkDamaged(t, path, written) {
		case errRefused:
			refused++
		case errPartly:
			partly++
		}
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	if refused == 0 || partly == 0 {
		t.Errorf("of %d damaged files %d are refused and %d can be read in part: not much of a test", damagedRounds, refused, partly)
	}
}

var (
	errRefused = errors.New("refused")
	errPartly  = errors.New("read in part")
)

// checkDamaged reads a damaged log in all ways.
func checkDamaged(t *testing.T, path string, written map[string]Trial) error {
	warned := 0
	l, err := Open(path, Options{ReadOnly: true, Warn: func(err error) {
		warned++
		checkOneLine(t, err, path)
	}})
	if err != nil {
		checkOneLine(t, err, path)
		return errRefused
	}
	defer l.Close()
	read, failed := 0, false
	for tr, err := range l.AllTrials(t.Context()) {
		if err != nil {
			checkOneLine(t, err, path)
			failed = true
			break
		}
		read++
		tr.Session = 0 // its id differs between logs: no checksum covers it
		if want := written[tr.Schedule.String()]; !reflect.DeepEqual(tr, want) {
			t.Errorf("read %+v\nwritten %+v", tr, want)
		}
	}
	found, err := l.Verify(t.Context())
	if err != nil {
		checkOneLine(t, err, path)
	}
	if lost := len(written) - read; lost > 0 && !failed && warned == 0 && len(found) == 0 && err == nil {
		t.Errorf("%d rows are lost, and nothing says so", lost)
	}
	if r, source, err := l.Best(t.Context(), query(convA, zen4)); err == nil && source == Exact && !r.Final && written[r.Schedule.String()].CenterNS != r.CenterNS {
		t.Errorf("best is %+v", r)
	}
	var text strings.Builder
	if err := l.Export(t.Context(), &text); err == nil && !failed {
		if s := importText(t, newLog(t), text.String()); s.Bad > 0 || s.Cut {
			t.Errorf("its export: %+v", s)
		}
	}
	if failed || read < len(written) {
		return errPartly
	}
	return nil
}

// A clock that went back is told, and does not make the wrong schedule win.
func TestClockGoesBack(t *testing.T) {
	var warned []string
	path := filepath.Join(t.TempDir(), "tune.db")
	l := open(t, path, Options{Warn: func(err error) { warned = append(warned, err.Error()) }})
	first, err := l.BeginSession(t.Context(), "tune", 1)
	if err != nil || len(warned) > 0 {
		t.Fatal(err, warned)
	}
	late := time.Now().Add(100 * time.Hour).UnixNano()
	if _, err := l.db.Exec("UPDATE sessions SET started = ?", late); err != nil {
		t.Fatal(err)
	}
	if _, err := l.BeginSession(t.Context(), "tune", 1); err != nil {
		t.Fatal(err)
	}
	if len(warned) != 1 || !strings.Contains(warned[0], "in the future: a clock is wrong") {
		t.Errorf("warned %q", warned)
	}
	tr := trial(convA, zen4, 1, 10)
	tr.Session = first.ID
	add(t, l, tr)
	// The better final was held while the clock was a year ahead, or behind.
	for _, years := range []int{-1, 1} {
		f := heldFinal("mr=6 nv=2", 1, 80, 100)
		f.Time = f.Time.AddDate(years, 0, 0)
		if err := l.RecordFinal(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.RecordFinal(t.Context(), heldFinal("mr=8 nv=2", 2, 95, 100)); err != nil {
		t.Fatal(err)
	}
	if r, _, err := l.Best(t.Context(), query(convA, zen4)); err != nil || r.Schedule.String() != "mr=6 nv=2" {
		t.Errorf("best is %s, %v", r.Schedule, err)
	}
	found, err := l.Verify(t.Context())
	if err != nil || len(found) == 0 {
		t.Errorf("verify: %v, %v", found, err)
	}
	for _, e := range found {
		if !errors.As(e, new(*ClockError)) {
			t.Errorf("verify: %v", e)
		}
	}
}
