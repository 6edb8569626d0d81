// Package api is the vocabulary of the tuning service: what its requests and
// answers hold, version 1, as JSON over HTTP. openapi.json describes the same for
// other languages. The service, its server and its client share these types.
//
// Times of kernels are in nanoseconds. Fields that are not known are left out.
package api

import (
	_ "embed"
	"encoding/json"
	"time"
)

// OpenAPI is the description of the API, OpenAPI 3.1.
//
//go:embed openapi.json
var OpenAPI []byte

// An Error is the body of every answer that refuses a request.
type Error struct {
	Error string `json:"error"`
}

// A Model is a network that the service keeps.
type Model struct {
	Hash    string    `json:"hash"` // SHA-256 of the file, 64 hexadecimal digits
	Name    string    `json:"name"`
	Bytes   int64     `json:"bytes"`
	Owner   string    `json:"owner"` // who uploaded it first
	Created time.Time `json:"created"`
}

// Models is a list of models, the latest first.
type Models struct {
	Models []Model `json:"models"`
}

// A State says where a job is.
type State string

// States of a job. Those of the second row are final.
const (
	Queued, Running, Paused State = "queued", "running", "paused"
	Done, Failed, Cancelled State = "done", "failed", "cancelled"
)

// Ended tells whether a job stays as it is, unless it is resumed.
func (s State) Ended() bool { return s == Done || s == Failed || s == Cancelled }

// A Job is a tuning that was asked for.
type Job struct {
	ID        int64     `json:"id"`
	Spec      Spec      `json:"spec"`
	ModelName string    `json:"model_name"`
	Owner     string    `json:"owner"`
	State     State     `json:"state"`
	Created   time.Time `json:"created"`
	Started   time.Time `json:"started,omitzero"`
	Finished  time.Time `json:"finished,omitzero"`
	Progress  *Progress `json:"progress,omitempty"`
	Result    *Result   `json:"result,omitempty"`  // of a job that is done; not in lists
	SameAs    int64     `json:"same_as,omitempty"` // the job that had found the result
	Error     string    `json:"error,omitempty"`   // why it failed
}

// Jobs is a list of jobs, the latest first.
type Jobs struct {
	Jobs []Job `json:"jobs"`
}

// Progress says how far a job is.
type Progress struct {
	Done      int            `json:"done"` // trials that count, those of before included
	Budget    int            `json:"budget"`
	Failed    int            `json:"failed"`
	PerSecond float64        `json:"trials_per_second"`
	ElapsedS  float64        `json:"elapsed_s"` // of all its runs together
	LeftS     float64        `json:"left_s,omitempty"`
	NetworkNS float64        `json:"network_ns,omitempty"` // sum of all layers' best times
	DefaultNS float64        `json:"default_ns,omitempty"` // the same with default schedules
	Tasks     []TaskProgress `json:"tasks,omitempty"`      // of a job that runs
}

// TaskProgress is one task's part of Progress.
type TaskProgress struct {
	Workload  string  `json:"workload"`
	Count     int     `json:"count"`
	Trials    int     `json:"trials"`
	DefaultNS float64 `json:"default_ns,omitempty"`
	BestNS    float64 `json:"best_ns,omitempty"`
	Ended     bool    `json:"ended,omitempty"`
}

// A Result is what a tuning found.
type Result struct {
	Tasks       []TaskResult   `json:"tasks"`
	GeoMeanGain float64        `json:"geometric_mean_gain"`
	Trials      int            `json:"trials"` // of the last run
	Known       int            `json:"known_trials"`
	Statuses    map[string]int `json:"trials_by_status"`
	WallS       float64        `json:"wall_seconds"`
	PerSecond   float64        `json:"trials_per_second"`
	Interrupted bool           `json:"interrupted"`
	Latency     *Latency       `json:"latency,omitempty"`    // where a whole network was tuned, and measured here
	NoLatency   string         `json:"no_latency,omitempty"` // why it could not be measured
}

// Latency compares inferences of a whole network with default and with tuned
// schedules, in turn in one process.
type Latency struct {
	Runs      int            `json:"runs"`
	DefaultNS int64          `json:"default_ns"` // medians
	TunedNS   int64          `json:"tuned_ns"`
	Sources   map[string]int `json:"schedules_from"`
	// Reverted are the workloads that have their default schedules after all: in
	// the network the tuned ones were slower.
	Reverted []string `json:"reverted,omitempty"`
}

// TaskResult is one workload's part of a Result.
type TaskResult struct {
	Workload  string  `json:"workload"`
	Count     int     `json:"count"`
	Trials    int     `json:"trials"`
	Failures  int     `json:"failures"`
	DefaultNS float64 `json:"default_ns"`
	TunedNS   float64 `json:"tuned_ns"`
	Gain      float64 `json:"gain"`
	Share     float64 `json:"share_of_time"`
	Final     bool    `json:"final"`
	Noise     float64 `json:"noise,omitempty"` // relative: what differed by less in the final was a tie
	Schedule  string  `json:"schedule"`
	Error     string  `json:"error,omitempty"` // the first failure, where nothing worked
	Ended     string  `json:"ended,omitempty"`
}

// An Event is something that happened to a job. On the wire Seq and Type are the
// id and the event of a server-sent event, Data its data.
type Event struct {
	Seq  int64 // grows, also over restarts of the service; 0 = of this watcher alone
	Type EventType
	Data json.RawMessage
}

// An EventType names the type of an Event's data.
type EventType string

// Types of events.
const (
	StateEvent    EventType = "state"    // Job: its state has changed; the first event of each watcher
	ResumedEvent  EventType = "resumed"  // Resumed
	ProgressEvent EventType = "progress" // Progress
	ImprovedEvent EventType = "improved" // Improved
	FailedEvent   EventType = "failed"   // TrialFailed
	EndedEvent    EventType = "ended"    // TaskEnded
	FinalEvent    EventType = "final"    // Finalist
	LatencyEvent  EventType = "latency"  // Latency
	LostEvent     EventType = "lost"     // Lost
	EndEvent      EventType = "end"      // End: the last event
)

// Resumed says what a run of a job begins with.
type Resumed struct {
	Trials  int      `json:"trials"` // that are known and count
	Ignored int      `json:"ignored,omitempty"`
	Budget  int      `json:"budget"`
	Tasks   int      `json:"tasks"`
	Skipped []string `json:"skipped,omitempty"`
}

// Improved says that a task has a new best schedule.
type Improved struct {
	Task      int     `json:"task"`
	Workload  string  `json:"workload"`
	Schedule  string  `json:"schedule"`
	TimeNS    float64 `json:"time_ns"`
	BeforeNS  float64 `json:"before_ns,omitempty"`
	DefaultNS float64 `json:"default_ns,omitempty"`
}

// TrialFailed says that a candidate failed.
type TrialFailed struct {
	Task     int    `json:"task"`
	Workload string `json:"workload"`
	Schedule string `json:"schedule"`
	Status   string `json:"status"`
	Message  string `json:"message"`
}

// TaskEnded says that a task has no more trials.
type TaskEnded struct {
	Task     int    `json:"task"`
	Workload string `json:"workload"`
	Reason   string `json:"reason"`
}

// Finalist is the outcome of a task's final.
type Finalist struct {
	Task      int     `json:"task"`
	Done      int     `json:"done"`
	Of        int     `json:"of"`
	Workload  string  `json:"workload"`
	Schedule  string  `json:"schedule"`
	DefaultNS float64 `json:"default_ns,omitempty"`
	TunedNS   float64 `json:"tuned_ns"`
}

// Lost says that a watcher was too slow, or away, and missed events.
type Lost struct {
	Reason string `json:"reason"`
}

// End says why no more events follow: "job", since the job has ended, or
// "service", which stops; then watch again.
type End struct {
	Reason string `json:"reason"`
}

// Reasons of an End.
const (
	JobEnded       = "job"
	ServiceStopped = "service"
)

// Merged says what an uploaded log brought.
type Merged struct {
	Added   int      `json:"added"`
	Known   int      `json:"known"`
	Skipped int      `json:"skipped"`
	Cut     bool     `json:"cut_off,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

// A Worker measures for the service.
type Worker struct {
	Name    string    `json:"name"`
	Machine string    `json:"machine"`
	State   string    `json:"state"`
	Seen    time.Time `json:"seen,omitzero"`
}

// Workers is the list of a fleet's workers; empty where the service measures on
// its own cores.
type Workers struct {
	Workers []Worker `json:"workers"`
}
