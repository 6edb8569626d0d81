package worker

import (
	"runtime"
	"strings"
	"testing"
)

const stat = `cpu  2600 10 400 9000 100 0 20 30 0 0
cpu0 1300 5 200 4500 50 0 10 15 0 0
cpu1 1300 5 200 4500 50 0 10 15 700 0
intr 12345 0 0
ctxt 987
`

func TestStatIsRead(t *testing.T) {
	cores, err := parseStat([]byte(stat))
	if err != nil {
		t.Fatal(err)
	}
	want := ticks{busy: 1300 + 5 + 200 + 10 + 15, idle: 4550}
	if len(cores) != 2 || cores[0] != want || cores[1] != want {
		t.Errorf("cores %v, want two of %v", cores, want)
	}
}

func TestDamagedStatIsRefused(t *testing.T) {
	for _, text := range []string{"", "cpu 1 2 3 4\n", "cpu0 1 2 3\n", "cpu0 1 2 x 4\n", "cpuX 1 2 3 4\n", "cpu0 1 -2 3 4\n", "cpu99999 1 2 3 4\n", "cpu0 99999999999999999999 2 3 4\n"} {
		if cores, err := parseStat([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, cores)
		}
	}
}

func FuzzStat(f *testing.F) {
	f.Add(stat)
	f.Add("cpu3 1 2 3 4")
	f.Add("cpu0 18446744073709551615 1 1 1\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		cores, err := parseStat([]byte(text))
		if err == nil && len(cores) == 0 {
			t.Error("no cores, and no error")
		}
		list := []int{0}
		if _, err := (procStat{list, 0.2}).busyCore(cores, cores); err != nil && cores[0] != (ticks{}) {
			t.Errorf("core 0 is %v, but %v", cores[0], err)
		}
	})
}

func TestBusyCoresAreNamed(t *testing.T) {
	at := func(busy, idle uint64) map[int]ticks {
		return map[int]ticks{2: {100, 100}, 5: {busy, idle}}
	}
	for _, c := range []struct {
		name  string
		cores []int
		after map[int]ticks
		want  string
	}{
		{"idle", []int{2, 5}, at(100, 110), ""},
		{"a tick or two", []int{2, 5}, at(102, 108), ""},
		{"in use", []int{2, 5}, at(103, 107), "core 5 is in use, 30 % of the time"},
		{"in use all the time", []int{5}, at(110, 100), "core 5 is in use, 100 % of the time"},
		{"not ours", []int{2}, at(110, 100), ""},
		{"idle time was taken back", []int{5}, at(100, 99), ""},
		{"too short to tell", []int{5}, at(102, 100), ""},
	} {
		got, err := (procStat{c.cores, 0.2}).busyCore(at(100, 100), c.after)
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
	if _, err := (procStat{[]int{7}, 0.2}).busyCore(at(1, 1), at(2, 2)); err == nil || !strings.Contains(err.Error(), "core 7") {
		t.Errorf("a core that is not there: %v", err)
	}
}

func TestIdlenessOfThisMachine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	if _, err := NewIdleness([]int{0}, 0.2).Busy(t.Context()); err != nil {
		t.Error(err)
	}
	if load() < 0 {
		t.Error("no load")
	}
}
