package remote

import (
	"cmp"
	"fmt"
	"strings"

	"qtune/schedules"
)

// A Kind is what a batch needs of a worker: the code generator's version, the
// instruction set, and the class of machine whose times it wants.
type Kind struct {
	Generator string // kernels.Generator
	ISA       schedules.ISA
	Class     string // schedules.Machine.Class
}

// String names the kind in messages.
func (k Kind) String() string {
	return fmt.Sprintf("%s on %s, generator %s", k.ISA, k.Class, k.Generator)
}

// check says what cannot be part of subjects and names.
func (k Kind) check() error {
	const longest = 200 // names of consumers may have 255 bytes
	if k.Generator == "" || len(k.Generator) > longest || k.Class == "" || len(k.Class) > longest {
		return fmt.Errorf("a generator's version of %d bytes, a machine class of %d: want 1 to %d", len(k.Generator), len(k.Class), longest)
	}
	if err := cmp.Or(checkText("generator", k.Generator), checkText("machine class", k.Class)); err != nil {
		return err
	}
	if k.ISA == schedules.Ref {
		return fmt.Errorf("target %s is plain Go: there is nothing to measure", k.ISA)
	}
	_, err := schedules.ParseISA(string(k.ISA))
	return err
}

// token makes a part of a subject, or of a stream's or consumer's name, of text
// that has spaces and equals signs: NATS allows neither there, nor . * > or /.
func token(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			return r
		case r == '=':
			return -1
		}
		return '_'
	}, text)
}

// JobsStream is the name of the stream that holds batches for a generator version.
// There is one a version, so that workers of two versions can share a hub.
func JobsStream(generator string) string { return "QTUNE_JOBS_" + token(generator) }

// JobsStreamPrefix is what the names of all jobs streams begin with.
const JobsStreamPrefix = "QTUNE_JOBS_"

// JobSubjects is what a jobs stream listens to.
func JobSubjects(generator string) string { return "qtune.job." + token(generator) + ".>" }

// Consumer is the name of the consumer that hands out batches of a kind.
func (k Kind) Consumer() string { return ConsumerOf(k.ISA, k.Class) }

// ConsumerOf is the name of the consumers of a machine class, of any generator.
func ConsumerOf(isa schedules.ISA, class string) string { return string(isa) + "_" + token(class) }

// Filter is the subject of the batches of a kind, of all tuners.
func (k Kind) Filter() string { return k.Subject("*") }

// Subject is where a tuner publishes batches of a kind.
func (k Kind) Subject(tuner string) string {
	return strings.Join([]string{"qtune.job", token(k.Generator), string(k.ISA), token(k.Class), tuner}, ".")
}

// TunerOfJob is the inverse of Subject: the tuner that a batch is of; "" where the
// subject is none of ours.
func TunerOfJob(subject string) string {
	words := strings.Split(subject, ".")
	if len(words) != 6 || words[0] != "qtune" || words[1] != "job" {
		return ""
	}
	return words[5]
}

// Subjects of answers and beats: who publishes has the last word, and permission
// for that alone.
const (
	// ResultSubjects is what the results stream listens to.
	ResultSubjects = "qtune.result.>"
	resultPrefix   = "qtune.result"
	beatPrefix     = "qtune.beat"
)

// ResultSubject is where a worker answers a tuner; "*" stands for any of either.
func ResultSubject(tuner, worker string) string {
	return strings.Join([]string{resultPrefix, tuner, worker}, ".")
}

// BeatSubject is where a worker tells a tuner that it is at a batch.
func BeatSubject(tuner, worker string) string {
	return strings.Join([]string{beatPrefix, tuner, worker}, ".")
}

// InboxPrefix is what the subjects begin with on which a user gets answers. A hub
// lets nobody else listen there.
func InboxPrefix(name string) string { return "_INBOX_" + name }

// WorkerOf is the worker that published to a ResultSubject or BeatSubject; "" where
// the subject is neither. The server has checked that it was that worker.
func WorkerOf(subject string) string {
	words := strings.Split(subject, ".")
	if len(words) != 4 || words[0] != "qtune" || words[1] != "result" && words[1] != "beat" {
		return ""
	}
	return words[3]
}

// Keys of WorkersBucket.
func StatusKey(worker string) string { return worker + ".status" }

// AsideKey is where it stands that a worker is put aside: the entry is the reason,
// as text. While there is one the worker takes no batches.
func AsideKey(worker string) string { return worker + ".aside" }

// CheckName says what is wrong with the name of a worker or tuner: it is part of
// subjects and of file names.
func CheckName(name string) error {
	const longest = 32
	if name == "" || len(name) > longest {
		return fmt.Errorf("name %q: want 1 to %d characters", clip(name), longest)
	}
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-') {
			return fmt.Errorf("name %q: only lower-case letters, digits and - are allowed", clip(name))
		}
	}
	if name[0] == '-' {
		return fmt.Errorf("name %q: must not begin with -", name)
	}
	return nil
}
