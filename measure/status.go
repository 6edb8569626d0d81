package measure

import "fmt"

// Status says what became of a job.
type Status uint8

// All but OK are failures. WorkerLost alone says nothing about the candidate:
// whoever was measuring it went away.
const (
	OK          Status = iota
	BuildError         // no code could be generated or loaded
	WrongAnswer        // the output differs from the reference
	Crash              // a signal ended the process, or the code reached outside its buffers
	Timeout            // no answer within the deadline
	WorkerLost         // the process was killed from outside, or a remote worker vanished
)

var statusNames = [...]string{"ok", "build-error", "wrong-answer", "crash", "timeout", "worker-lost"}

// Statuses lists all statuses, OK first.
func Statuses() []Status {
	all := make([]Status, len(statusNames))
	for i := range all {
		all[i] = Status(i)
	}
	return all
}

// String returns the name that ParseStatus reads.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// ParseStatus reads a status's name.
func ParseStatus(text string) (Status, error) {
	for i, n := range statusNames {
		if n == text {
			return Status(i), nil
		}
	}
	return 0, fmt.Errorf("unknown status %q", text)
}

// MarshalText makes the name the wire form.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the wire form.
func (s *Status) UnmarshalText(text []byte) (err error) {
	*s, err = ParseStatus(string(text))
	return err
}
