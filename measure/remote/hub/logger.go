package hub

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
)

// A serverLogger passes the server's messages on. What it says of its start and of
// every connection is for --verbose.
type serverLogger struct {
	log *slog.Logger
	// fatal is the last message after which the server gives up; it reports these
	// nowhere else.
	fatal atomic.Pointer[string]
}

func (l *serverLogger) Noticef(format string, v ...any) { l.log.Debug(line(format, v)) }
func (l *serverLogger) Warnf(format string, v ...any)   { l.log.Warn(line(format, v)) }
func (l *serverLogger) Errorf(format string, v ...any)  { l.log.Error(line(format, v)) }
func (l *serverLogger) Debugf(format string, v ...any)  { l.log.Debug(line(format, v)) }
func (l *serverLogger) Tracef(string, ...any)           {}

func (l *serverLogger) Fatalf(format string, v ...any) {
	text := line(format, v)
	l.fatal.Store(&text)
}

// why is the message after which the server gave up.
func (l *serverLogger) why() string {
	if text := l.fatal.Load(); text != nil {
		return *text
	}
	return "it does not get ready"
}

// line makes one line of a message, parts of which are foreign.
func line(format string, v []any) string {
	return strings.Join(strings.Fields(fmt.Sprintf(format, v...)), " ")
}
