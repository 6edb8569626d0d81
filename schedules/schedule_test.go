package schedules

import (
	"slices"
	"strings"
	"testing"
)

func TestScheduleReads(t *testing.T) {
	s, err := ParseSchedule("form=rows mr=8 nv=2 u=2 order=cyx r=x9")
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := s.Get("mr"); v != "8" || !ok {
		t.Errorf("mr is %q, %t", v, ok)
	}
	if v, ok := s.Get("m"); ok { // prefix of a name
		t.Errorf("m is %q", v)
	}
	if v, ok := s.Get("rows"); ok { // a value
		t.Errorf("rows is %q", v)
	}
	if n := s.Int("nv", 9); n != 2 {
		t.Errorf("nv is %d", n)
	}
	if n := s.Int("order", 9) + s.Int("none", 9); n != 18 {
		t.Errorf("numbers that are not there: %d", n)
	}
	if v := s.Str("order", "") + s.Str("none", "def"); v != "cyxdef" {
		t.Errorf("words: %s", v)
	}
	if got := strings.Join(s.Names(), " "); got != "form mr nv u order r" {
		t.Errorf("names: %s", got)
	}
	if got := s.With("nv", "4").With("st", "cvt").String(); got != "form=rows mr=8 nv=4 u=2 order=cyx r=x9 st=cvt" {
		t.Errorf("with: %s", got)
	}
	if got := s.With("nv", "no good"); got != s {
		t.Errorf("a bad value gives %s", got)
	}
}

func TestParseScheduleRefuses(t *testing.T) {
	for _, text := range []string{
		" ", "mr", "mr=", "=8", "mr=8 ", " mr=8", "mr=8  nv=2", "mr=8 mr=9", "MR=8", "8m=1", "mr=8\n", "mr=8=9", "mr=é",
		strings.Repeat("a", 2000) + "=1",
	} {
		if s, err := ParseSchedule(text); err == nil {
			t.Errorf("%q is read as %s", text, s)
		}
	}
	if s, err := ParseSchedule(""); err != nil || s != (Schedule{}) {
		t.Errorf("the empty schedule: %v", err)
	}
}

func FuzzParseSchedule(f *testing.F) {
	f.Add("form=rows mr=8 nv=2", "mr", "9")
	f.Add("", "a", "b")
	f.Fuzz(func(t *testing.T, text, name, value string) {
		s, err := ParseSchedule(text)
		if err != nil {
			return
		}
		if s.String() != text {
			t.Fatalf("%q prints as %q", text, s)
		}
		for _, n := range s.Names() {
			if v, ok := s.Get(n); !ok || v == "" {
				t.Fatalf("%q: %s is %q", text, n, v)
			}
		}
		with := s.With(name, value)
		if again, err := ParseSchedule(with.String()); err != nil || again != with {
			t.Fatalf("%q with %q=%q does not parse: %v", text, name, value, err)
		}
		if v, ok := with.Get(name); with != s && (!ok || v != value) {
			t.Fatalf("%q with %q=%q has %q", text, name, value, v)
		}
		if slices.Contains(s.Names(), name) && len(with.Names()) != len(s.Names()) {
			t.Fatalf("%q with %q=%q is %s", text, name, value, with)
		}
	})
}
