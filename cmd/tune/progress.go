package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"qtune/tuner"
)

// A progress shows what the tuner does: a table redrawn in place on a terminal,
// plain lines elsewhere. It is safe for concurrent use.
type progress struct {
	mu       sync.Mutex
	w        io.Writer
	terminal *os.File // nil: plain lines
	drawn    int      // lines of the table on the screen
	table    []string // as last drawn
	said     time.Time
	failures int
}

// How often plain lines tell of progress, and how many failures are shown one
// by one.
const (
	sayEvery    = 5 * time.Second
	maxFailures = 10
)

// newProgress shows plain lines where plain is asked for, also on a terminal.
func newProgress(w io.Writer, plain bool) *progress {
	p := &progress{w: w}
	if f, ok := w.(*os.File); ok && !plain && term.IsTerminal(int(f.Fd())) {
		p.terminal = f
	}
	return p
}

// listen takes an event of the tuner.
func (p *progress) listen(e tuner.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case tuner.Progress:
		p.progress(e)
	case tuner.Failed:
		if p.failures++; p.failures <= maxFailures {
			p.say(e.String())
		} else if p.failures == maxFailures+1 {
			p.say("more failures are in the log")
		}
	case tuner.Improved: // the table shows it
	case tuner.Finished: // the report says more
	default:
		p.say(e.String())
	}
}

// line prints what somebody else has to say.
func (p *progress) line(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.say(text)
}

// say prints a line above the table.
func (p *progress) say(line string) {
	p.clear()
	fmt.Fprintln(p.w, line)
	p.draw()
}

func (p *progress) progress(e tuner.Progress) {
	if p.terminal == nil {
		if now := time.Now(); now.Sub(p.said) >= sayEvery || e.Done >= e.Budget {
			p.said = now
			fmt.Fprintln(p.w, e)
		}
		return
	}
	p.clear()
	width, height, err := term.GetSize(int(p.terminal.Fd()))
	if err != nil || width < 1 || height < 1 { // some terminals say nothing
		width, height = 80, 24
	}
	p.table = progressTable(e, width, height)
	p.draw()
}

// end leaves the last table on the screen.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drawn, p.table = 0, nil
}

// clear removes the table from the screen.
func (p *progress) clear() {
	if p.drawn > 0 {
		fmt.Fprintf(p.w, "\x1b[%dA\x1b[J", p.drawn)
	}
	p.drawn = 0
}

func (p *progress) draw() {
	for _, line := range p.table {
		fmt.Fprintln(p.w, line)
	}
	p.drawn = len(p.table)
}

// progressTable makes the lines of the table, which fit the screen: the tasks in
// which the network spends most of its time, a bar of the budget, and a summary.
func progressTable(e tuner.Progress, width, height int) []string {
	order := make([]int, len(e.Tasks))
	for i := range order {
		order[i] = i
	}
	cost := func(i int) float64 { return float64(e.Tasks[i].Count) * float64(e.Tasks[i].Best) }
	total := 0.0
	for i := range e.Tasks {
		total += cost(i)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case cost(a) > cost(b):
			return -1
		case cost(a) < cost(b):
			return 1
		}
		return 0
	})
	t := newTable(">task", ">trials", ">default", ">best", ">gain", ">share", "state", "workload")
	rows := max(height-5, 1) // the head, the bar, the summary, and the line that the cursor is on
	for _, i := range order[:min(rows, len(order))] {
		k := e.Tasks[i]
		gain := 0.0
		if k.Best > 0 {
			gain = float64(k.Default / k.Best)
		}
		t.add(fmt.Sprint(i), fmt.Sprint(k.Trials), nanos(float64(k.Default)), nanos(float64(k.Best)), factor(gain),
			percent(cost(i), total), stateOf(k), k.Workload.String())
	}
	var b strings.Builder
	_ = t.write(&b) // a Builder does not fail
	lines := append(strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n"), progressBar(e.Done, e.Budget, min(width-1, longestBar)), e.String())
	for i, l := range lines {
		if len(l) >= width {
			lines[i] = l[:max(width-1, 0)]
		}
	}
	return lines
}

// longestBar is how long a bar of progress is on a wide screen.
const longestBar = 60

// progressBar is as long as width: what is done of a budget, and how much that is.
func progressBar(done, budget, width int) string {
	const ends = len("[] 100%")
	part := 1.0
	if budget > 0 {
		part = min(float64(done)/float64(budget), 1)
	}
	inner := max(width-ends, 0)
	full := int(part * float64(inner))
	return fmt.Sprintf("[%s%s] %3.0f%%", strings.Repeat("#", full), strings.Repeat(".", inner-full), math.Floor(100*part))
}

// stateOf says whether a task is searched, and what one more trial is expected to
// save of an inference: why trials go where they go.
func stateOf(k tuner.TaskProgress) string {
	if k.Ended {
		return "ended"
	}
	return "next saves " + k.Expected.String()
}
