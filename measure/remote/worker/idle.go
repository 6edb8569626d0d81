package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// procStat is an Idleness by Linux's counters of what each core did.
type procStat struct {
	cores   []int
	maxBusy float64 // part of the time, all ticks but idle ones
}

// How cores are looked at: once in defaultPace.idle, for a hundredth of that.
const (
	statPath   = "/proc/stat"
	statWindow = 100 * time.Millisecond
	minTicks   = 5 // of the window's 10; with fewer the part means nothing
)

func (p procStat) Busy(ctx context.Context) (string, error) {
	before, err := readStat()
	if err != nil {
		return "", err
	}
	sleep(ctx, statWindow)
	after, err := readStat()
	if err != nil {
		return "", err
	}
	return p.busyCore(before, after)
}

func readStat() (map[int]ticks, error) {
	text, err := os.ReadFile(statPath)
	if err != nil {
		return nil, err
	}
	return parseStat(text)
}

// busyCore names the first core that was in use between two readings.
func (p procStat) busyCore(before, after map[int]ticks) (string, error) {
	for _, c := range p.cores {
		a, known := before[c]
		b, still := after[c]
		if !known || !still {
			return "", fmt.Errorf("%s does not have core %d", statPath, c)
		}
		// The kernel may take idle time back; then it was idle.
		busy, idle := int64(b.busy-a.busy), max(int64(b.idle-a.idle), 0)
		if all := busy + idle; all >= minTicks && float64(busy) > p.maxBusy*float64(all) {
			return fmt.Sprintf("core %d is in use, %.0f %% of the time", c, 100*float64(busy)/float64(all)), nil
		}
	}
	return "", nil
}

// ticks is what a core did since it started.
type ticks struct{ busy, idle uint64 }

// parseStat reads the lines of single cores, such as
//
//	cpu3 user nice system idle iowait irq softirq steal guest guest_nice
//
// of which old kernels have fewer. Time that the hypervisor took counts as busy;
// a guest's is part of user and nice.
func parseStat(text []byte) (map[int]ticks, error) {
	cores := map[int]ticks{}
	for line := range bytes.Lines(text) {
		words := strings.Fields(string(line))
		if len(words) == 0 || !strings.HasPrefix(words[0], "cpu") || words[0] == "cpu" {
			continue
		}
		core, err := strconv.ParseUint(words[0][len("cpu"):], 10, 16)
		if err != nil || len(words) < 5 {
			return nil, fmt.Errorf("%s: %q is not what a core did", statPath, strings.Join(words, " "))
		}
		var t ticks
		for i, word := range words[1:min(len(words), 9)] {
			n, err := strconv.ParseUint(word, 10, 62)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %q is not a number of ticks", statPath, words[0], word)
			}
			if i == 3 || i == 4 { // idle, iowait
				t.idle += n
			} else {
				t.busy += n
			}
		}
		cores[int(core)] = t
	}
	if len(cores) == 0 {
		return nil, errors.New(statPath + " has no cores")
	}
	return cores, nil
}

// load is the kernel's one-minute average of the machine's load; -1 where it does
// not say.
func load() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return -1
	}
	first, _, _ := strings.Cut(string(text), " ")
	average, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return -1
	}
	return average
}
