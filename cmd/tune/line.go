package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// A line tells of progress: one line that changes on a terminal, elsewhere a
// line now and then.
type line struct {
	w        io.Writer
	terminal bool
	shown    bool
	said     time.Time
}

func newLine(w io.Writer) *line {
	f, ok := w.(*os.File)
	return &line{w: w, terminal: ok && term.IsTerminal(int(f.Fd())), said: time.Now()}
}

// show replaces the line.
func (l *line) show(text string) {
	if l.terminal {
		fmt.Fprintf(l.w, "\r\x1b[K%s", text)
		l.shown = true
		return
	}
	if now := time.Now(); now.Sub(l.said) >= sayEvery {
		l.said = now
		fmt.Fprintln(l.w, text)
	}
}

// clear removes the line from a terminal.
func (l *line) clear() {
	if l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}
