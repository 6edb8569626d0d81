// Package remote is what a tuner, its workers and their hub say to each other: the
// vocabulary of measuring on other machines. Transport is NATS with JetStream
// (https://docs.nats.io/nats-concepts/jetstream): queue, leases, redelivery,
// authorisation and encryption are the server's. The packages below it speak the
// protocol:
//
//	fleet   the tuner's end: a Runner whose cores are elsewhere
//	worker  the other end: takes batches, has them measured, sends what came out
//	hub     a server, for those who have none: its folder, credentials, house-keeping
//
// # A batch's way
//
//	fleet   publishes a Batch to the jobs stream (work queue, discard new), subject
//	        qtune.job.<generator>.<isa>.<class>.<tuner>
//	worker  pulls from the consumer of its instruction set and machine class, says
//	        so in a Beat (and again every BeatInterval, with which it extends its
//	        lease), generates, checks and times
//	worker  publishes an Answer to the results stream, with the batch's ID as
//	        Nats-Msg-Id, subject qtune.result.<tuner>.<worker>; only when the
//	        stream has it the batch is acknowledged
//	fleet   reads its results, and takes the first answer to each batch
//
// JetStream's leases are at least once: a batch whose worker vanished goes to
// another, and one whose worker was only frozen may be measured twice. Whoever
// holds a lease that it could not extend gives up (package worker), and who reads
// counts every batch once (package fleet).
//
// Everything that arrives is foreign: Decode functions check sizes, counts and
// ranges before anything is made of it. Schedules travel as text; code, paths or
// commands never do.
package remote

import "time"

// Version is the protocol's. Another one is refused.
const Version = 1

// Streams and buckets.
const (
	// ResultsStream holds Answers until ResultsAge.
	ResultsStream = "QTUNE_RESULTS"
	// WorkersBucket is the key-value bucket of what is known of workers: Status
	// under <worker>.status, written by the worker, and Aside under <worker>.aside.
	WorkersBucket = "qtune_workers"
)

// Times and limits of the streams.
const (
	// Lease is how long a batch may be with a worker that says nothing.
	Lease = 15 * time.Second
	// MaxAttempts is how many workers a batch may take with it.
	MaxAttempts = 2
	// JobsAge is after how long a batch that nobody took is dropped. Its tuner, if
	// it is still there, puts it in again.
	JobsAge = time.Hour
	// ResultsAge is how long an answer waits for its tuner.
	ResultsAge = 24 * time.Hour
	// DuplicatesWindow is how long the results stream remembers the IDs of answers.
	DuplicatesWindow = 10 * time.Minute
	// TunerGone is after how long without a sign of life a tuner's consumer, and
	// with it all that waits for it, is removed.
	TunerGone = 2 * time.Minute

	// MaxMessage is the largest message, in bytes.
	MaxMessage = 256 << 10
)

// Beats of a worker: with each it extends its lease, which it does not believe in
// any more when none has got through for GiveUp.
func BeatInterval(lease time.Duration) time.Duration { return lease / 5 }

// GiveUp is after how long without a beat that got through a worker drops a batch:
// before its lease ends, so that no two workers hold one.
func GiveUp(lease time.Duration) time.Duration { return lease * 6 / 10 }
