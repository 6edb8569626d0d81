package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Exit status of the command.
const (
	statusDone      = 0
	statusFailed    = 1
	statusUsage     = 2
	statusNotStrict = 3 // --strict was not met
)

// A statusError is an error that asks for an exit status of its own.
type statusError struct {
	error
	status int
}

func (e statusError) Unwrap() error { return e.error }

// usageErrorf says that the command line is wrong.
func usageErrorf(format string, args ...any) error {
	return statusError{fmt.Errorf(format, args...), statusUsage}
}

// status returns the exit status that err means.
func status(err error) int {
	var s statusError
	switch {
	case err == nil:
		return statusDone
	case errors.As(err, &s):
		return s.status
	}
	return statusFailed
}

// report writes err as one line.
func report(w io.Writer, err error) {
	if err == nil {
		return
	}
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
	if errors.Is(err, context.Canceled) {
		text = "interrupted"
	}
	if status(err) == statusUsage {
		text += " (see tune --help)"
	}
	fmt.Fprintf(w, "tune: %s\n", text)
}
