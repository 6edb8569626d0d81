package main

import (
	"errors"
	"log/slog"

	"github.com/spf13/cobra"
)

// A logFormat is how commands that serve others write their log, on standard error.
// It is a flag.
type logFormat string

const (
	textLog logFormat = "text" // key=value
	jsonLog logFormat = "json" // an object a line; durations in nanoseconds
)

func (f *logFormat) register(c *cobra.Command) {
	*f = textLog
	c.Flags().Var(f, "log-format", "of the log on standard error: text or json")
}

// String returns what Set takes.
func (f *logFormat) String() string { return string(*f) }

// Set takes what the user gave.
func (f *logFormat) Set(text string) error {
	if format := logFormat(text); format == textLog || format == jsonLog {
		*f = format
		return nil
	}
	return errors.New("want text or json")
}

// Type names the kind of value in the help.
func (f *logFormat) Type() string { return "format" }

// logger returns a log; a verbose one tells of more.
func (f *logFormat) logger(c *cobra.Command, verbose bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		o.Level = slog.LevelDebug
	}
	if *f == jsonLog {
		return slog.New(slog.NewJSONHandler(c.ErrOrStderr(), o))
	}
	return slog.New(slog.NewTextHandler(c.ErrOrStderr(), o))
}
