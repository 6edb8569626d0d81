package service

import "fmt"

// A Refusal is the error of a request that the service does not do. All other
// errors are faults of the service or its machine.
type Refusal struct {
	Reason Reason
	text   string
}

// A Reason is a kind of Refusal.
type Reason uint8

// Reasons.
const (
	Invalid   Reason = iota // what is asked for makes no sense
	NotFound                // there is no such thing
	Conflict                // not in the present state
	Forbidden               // not for this caller
	TooLarge
	Busy // too much at once: try again later
	Full // there is no room for it
)

// Error is one line.
func (r *Refusal) Error() string { return r.text }

func refuse(reason Reason, format string, args ...any) error {
	return &Refusal{reason, fmt.Sprintf(format, args...)}
}
