package logs

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// maxLine bounds a line of an export, in bytes.
const maxLine = 4 << 20

// importBatch is the number of lines of one transaction.
const importBatch = 1000

// maxNotes bounds the notes of an import; the counts go on.
const maxNotes = 100

// ImportStats says what Import or Merge did.
type ImportStats struct {
	Added, Known int      // sessions, trials and finals
	Bad          int      // lines or rows that were skipped
	Cut          bool     // an export ended before its last line
	Notes        []string // why, with line numbers, and fields that were ignored; the first 100

	good    int // lines of any kind that were read
	unended int // exports of which the first line was read, but not the last
}

func (s *ImportStats) note(format string, args ...any) {
	if len(s.Notes) < maxNotes {
		s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
	}
}

// count adds the outcome of one row.
func (s *ImportStats) count(added bool) {
	if added {
		s.Added++
	} else {
		s.Known++
	}
}

// Errors of Import for what it cannot read at all.
var (
	ErrNotExport   = errors.New("not an export of a log")
	ErrNewerExport = errors.New("a newer version of this program wrote the export")
)

// Import adds what an export holds and l does not. Lines that cannot be read
// are noted and skipped; so are fields of other versions. The error is one of
// reading r or of the log, before which lines may be stored, or that no line at all
// is one of an export.
func (l *Log) Import(ctx context.Context, r io.Reader) (ImportStats, error) {
	var stats ImportStats
	in := &lineReader{r: bufio.NewReaderSize(r, 64<<10)}
	for more := true; more; {
		var batch ImportStats
		err := l.write(ctx, func(w *writer) (err error) {
			batch = stats
			more, err = importLines(w, in, &batch)
			return err
		})
		if err != nil {
			return stats, err
		}
		stats = batch
	}
	if stats.Bad > 0 && stats.good == 0 {
		return ImportStats{}, fmt.Errorf("%w: %s", ErrNotExport, stats.Notes[0])
	}
	if stats.Cut = stats.unended > 0; stats.Cut {
		stats.note("line %d: the export is cut off: its last line, of kind \"end\", is missing", in.number)
	}
	return stats, nil
}

// importLines reads one batch. It tells whether there may be more.
func importLines(w *writer, in *lineReader, stats *ImportStats) (more bool, err error) {
	for range importBatch {
		text, err := in.next()
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case errors.Is(err, errLongLine):
			stats.Bad++
			stats.note("line %d: %v", in.number, err)
			continue
		case err != nil:
			return false, fmt.Errorf("line %d: %w", in.number, err)
		}
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		var bad *badLine
		if err := w.line(text, in.number, stats); errors.As(err, &bad) {
			stats.Bad++
			stats.note("line %d: %v", in.number, bad.err)
		} else if err != nil {
			return false, err
		} else {
			stats.good++
		}
	}
	return true, nil
}

// A badLine is an error of a line's content, as against one of the log.
type badLine struct{ err error }

func (b *badLine) Error() string { return b.err.Error() }

// line stores what one line says.
func (w *writer) line(text []byte, number int, stats *ImportStats) error {
	var kind struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(text, &kind); err != nil {
		return &badLine{err}
	}
	var err error
	added := false
	switch kind.Kind {
	case "log":
		return readHeader(text, number, stats)
	case "end":
		stats.unended--
		return nil
	case "session":
		added, err = w.sessionLine(text, number, stats)
	case "trial":
		added, err = w.trialLine(text, number, stats)
	case "final":
		added, err = w.finalLine(text, number, stats)
	default:
		return &badLine{fmt.Errorf("unknown kind %q", clip(kind.Kind))}
	}
	if err == nil {
		stats.count(added)
	}
	return err
}

func readHeader(text []byte, number int, stats *ImportStats) error {
	var l logLine
	if err := decode(text, &l, number, stats); err != nil {
		return err
	}
	if l.Format > exportFormat {
		return fmt.Errorf("line %d: %w (format %d, this one knows %d)", number, ErrNewerExport, l.Format, exportFormat)
	}
	if l.Format >= 2 {
		stats.unended++
	}
	return nil
}

func (w *writer) sessionLine(text []byte, number int, stats *ImportStats) (added bool, err error) {
	var l sessionLine
	if err := decode(text, &l, number, stats); err != nil {
		return false, err
	}
	s := Session{Key: l.Key, Command: cutMessage(l.Command), Seed: l.Seed, Started: l.Started, Ended: l.Ended}
	if err := s.check(); err != nil {
		return false, &badLine{err}
	}
	_, added, err = w.session(s)
	return added, err
}

// check checks a session of another log.
func (s Session) check() error {
	if s.Key == "" {
		return errors.New("a session without key")
	}
	for _, t := range []time.Time{s.Started, s.Ended} {
		if !t.IsZero() && (t.Year() < 1970 || t.Year() > 2200) {
			return fmt.Errorf("the time %s", t.Format(time.RFC3339))
		}
	}
	return checkText("session key", s.Key)
}

func (w *writer) trialLine(text []byte, number int, stats *ImportStats) (added bool, err error) {
	var l trialLine
	if err := decode(text, &l, number, stats); err != nil {
		return false, err
	}
	t, err := l.trial(w.cache)
	if err == nil {
		var r *trialRow
		if r, err = rowOfTrial(t, w.cache); err == nil {
			err = checkLine(l.Check, r.written)
		}
	}
	if err != nil {
		return false, &badLine{err}
	}
	if t.Session, err = w.sessionOf(l.Session); err != nil {
		return false, err
	}
	return w.trial(t)
}

func (w *writer) finalLine(text []byte, number int, stats *ImportStats) (added bool, err error) {
	var l finalLine
	if err := decode(text, &l, number, stats); err != nil {
		return false, err
	}
	f, err := l.final(w.cache)
	if err == nil {
		var r *finalRow
		if r, err = rowOfFinal(f); err == nil {
			err = checkLine(l.Check, r.written)
		}
	}
	if err != nil {
		return false, &badLine{err}
	}
	if f.Session, err = w.sessionOf(l.Session); err != nil {
		return false, err
	}
	return w.final(f)
}

// checkLine compares the checksum that a line gives, if it does, with that of
// what it says.
func checkLine(check string, sum int64) error {
	if check != "" && check != checkOf(sum) {
		return errChecksum
	}
	return nil
}

// sessionOf returns the id of the session with a key; it adds one that nothing
// else is known of where it is new.
func (w *writer) sessionOf(key string) (int64, error) {
	if key == "" {
		return 0, nil
	}
	s := Session{Key: key}
	if err := s.check(); err != nil {
		return 0, &badLine{err}
	}
	id, _, err := w.session(s)
	return id, err
}

// decode reads a line into v, and notes fields that v does not have.
func decode(text []byte, v any, number int, stats *ImportStats) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err != nil && strings.Contains(err.Error(), "unknown field") {
		stats.note("line %d: ignored: %s", number, clip(err.Error()))
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		return &badLine{err}
	}
	return nil
}

// clip shortens text from outside for a note.
func clip(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "..."
	}
	return s
}

var errLongLine = fmt.Errorf("longer than %d bytes", maxLine)

// A lineReader reads lines of bounded length.
type lineReader struct {
	r      *bufio.Reader
	number int // of the last line, from 1
	line   []byte
}

// next returns the next line without its end. After errLongLine the next call
// returns the line after it. The result is valid until then.
func (l *lineReader) next() ([]byte, error) {
	l.number++
	l.line = l.line[:0]
	long := false
	for {
		part, err := l.r.ReadSlice('\n')
		if long = long || len(l.line)+len(part) > maxLine; !long {
			l.line = append(l.line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && (long || len(l.line) > 0): // a last line without end
		case err != nil:
			return nil, err
		}
		if long {
			return nil, errLongLine
		}
		return l.line, nil
	}
}
