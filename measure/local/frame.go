package local

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"qtune/measure"
)

// The two processes exchange frames, each a length and a JSON value:
//
//	parent                          child
//	setup  ------------------------>
//	       <------------------------ message hello
//	request ----------------------->
//	       <------------------------ message start 0   "I begin job 0"
//	       <------------------------ message result 0
//	       <------------------------ message start 1 ...
//	       <------------------------ message rounds    "all are warm, a round begins"
//	       <------------------------ message result 1 ...
//	       <------------------------ message end
//	[ 4 bytes, little-endian: length of the JSON ][ JSON ]
//
// The child says what it is about to do before it does it, so that the parent
// knows which job to blame when nothing more comes.

// maxFrame bounds what a damaged length can make the reader allocate.
const maxFrame = 64 << 20

// setup is the first frame to a child.
type setup struct {
	Core int // to pin to; measure.AnyCore for none
}

// request asks for a batch: to check each job, to time them in turn, or both.
// Without Check, Want holds what a checking child answered.
type request struct {
	Check, Time bool
	Jobs        []measure.Job
	Want        []digest
}

// digest is a checksum of the right output of a job.
type digest uint32

type messageKind string

const (
	helloMessage  messageKind = "hello"  // Core: where the child is pinned
	startMessage  messageKind = "start"  // Job begins to be built, checked or warmed up
	roundsMessage messageKind = "rounds" // a round over all jobs begins
	resultMessage messageKind = "result" // Result of Job; Want where it was checked
	endMessage    messageKind = "end"    // of the batch
)

// message is what a child says.
type message struct {
	Kind   messageKind
	Job    int             // index in the request
	Core   int             `json:",omitempty"`
	Result *measure.Result `json:",omitempty"`
	Want   digest          `json:",omitempty"`
}

// fits tells whether m can be an answer to a request of n jobs: a candidate may
// have written over the child's memory.
func (m message) fits(n int) bool {
	switch m.Kind {
	case startMessage:
		return m.Job >= 0 && m.Job < n
	case resultMessage:
		return m.Job >= 0 && m.Job < n && m.Result != nil
	}
	return m.Kind == roundsMessage || m.Kind == endMessage
}

func writeFrame(w io.Writer, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	frame := binary.LittleEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	_, err = w.Write(append(frame, body...))
	return err
}

func readFrame(r *bufio.Reader, v any) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n > maxFrame {
		return fmt.Errorf("frame of %d bytes, more than %d", n, maxFrame)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	return json.Unmarshal(body, v)
}
