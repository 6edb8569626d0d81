package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// CreateStreams makes what batches of a kind need: the jobs stream with the
// consumer that hands them out, under leases of the given length, and the results
// stream. What is there already stays.
func CreateStreams(ctx context.Context, js jetstream.JetStream, k Kind, lease time.Duration) error {
	jobs, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: JobsStream(k.Generator), Subjects: []string{JobSubjects(k.Generator)},
		Description: "batches of schedules to be measured",
		Retention:   jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew,
		MaxAge: JobsAge, MaxMsgSize: MaxMessage, Duplicates: DuplicatesWindow,
	})
	if err != nil {
		return fmt.Errorf("making the jobs stream: %w", err)
	}
	_, err = jobs.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: k.Consumer(), FilterSubject: k.Filter(),
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: lease, MaxDeliver: MaxAttempts,
		MaxRequestBatch: 1, MaxAckPending: -1, InactiveThreshold: JobsAge,
	})
	if err != nil {
		return fmt.Errorf("making the consumer of the jobs stream: %w", err)
	}
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: ResultsStream, Subjects: []string{ResultSubjects},
		Description: "what came out of batches",
		// An answer goes when its tuner has read it.
		Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew,
		MaxAge: ResultsAge, MaxMsgSize: MaxMessage, Duplicates: DuplicatesWindow,
	})
	if err != nil {
		return fmt.Errorf("making the results stream: %w", err)
	}
	return nil
}

// ResultsConsumer returns the consumer through which a tuner reads its results,
// made if need be. While it is there the tuner counts as alive.
func ResultsConsumer(ctx context.Context, js jetstream.JetStream, tuner string) (jetstream.Consumer, error) {
	c, err := js.CreateOrUpdateConsumer(ctx, ResultsStream, jetstream.ConsumerConfig{
		Durable: tuner, FilterSubject: ResultSubject(tuner, "*"),
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: Lease, MaxDeliver: -1,
		InactiveThreshold: TunerGone,
	})
	if err != nil {
		return nil, fmt.Errorf("making the consumer of the results stream: %w", err)
	}
	return c, nil
}

// OpenWorkers returns the bucket of what is known of workers, made if need be: on a
// hub it is there, and nobody else may make it.
func OpenWorkers(ctx context.Context, js jetstream.JetStream) (jetstream.KeyValue, error) {
	kv, err := js.KeyValue(ctx, WorkersBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: WorkersBucket, Description: "workers: what they last said, and who is put aside", MaxValueSize: maxStatus,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("opening the workers' bucket: %w", err)
	}
	return kv, nil
}

// Leave removes what a tuner has in the streams, and the streams when it was the
// last. A tuner that comes at the same moment makes them again.
func Leave(ctx context.Context, js jetstream.JetStream, tuner string) error {
	err := js.DeleteConsumer(ctx, ResultsStream, tuner)
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		err = nil
	}
	return errors.Join(err, Sweep(ctx, js))
}

// Sweep removes batches and answers of tuners that are gone, and with the last
// tuner the streams.
func Sweep(ctx context.Context, js jetstream.JetStream) error {
	alive, err := tuners(ctx, js)
	if err != nil {
		return err
	}
	names := js.StreamNames(ctx)
	var streams []string
	for name := range names.Name() {
		if name == ResultsStream || strings.HasPrefix(name, JobsStreamPrefix) {
			streams = append(streams, name)
		}
	}
	if err := names.Err(); err != nil {
		return fmt.Errorf("listing streams: %w", err)
	}
	var errs []error
	for _, name := range streams {
		if len(alive) == 0 {
			err = js.DeleteStream(ctx, name)
		} else {
			err = purge(ctx, js, name, alive)
		}
		if !errors.Is(err, jetstream.ErrStreamNotFound) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// tuners returns those that are alive, or were until a short while ago.
func tuners(ctx context.Context, js jetstream.JetStream) (map[string]bool, error) {
	alive := map[string]bool{}
	results, err := js.Stream(ctx, ResultsStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return alive, nil
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the results stream: %w", err)
	}
	consumers := results.ConsumerNames(ctx)
	for name := range consumers.Name() {
		alive[name] = true
	}
	if err := consumers.Err(); err != nil && !errors.Is(err, nats.ErrNoResponders) {
		return nil, fmt.Errorf("listing tuners: %w", err)
	}
	return alive, nil
}

// purge removes from a stream what belongs to tuners that are not alive.
func purge(ctx context.Context, js jetstream.JetStream, name string, alive map[string]bool) error {
	s, err := js.Stream(ctx, name)
	if err != nil {
		return err
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		return err
	}
	var errs []error
	for subject := range info.State.Subjects {
		if tuner := tunerOf(subject); tuner != "" && !alive[tuner] {
			errs = append(errs, s.Purge(ctx, jetstream.WithPurgeSubject(subject)))
		}
	}
	return errors.Join(errs...)
}

// tunerOf is the tuner that a message of either stream is for or from; "" if it is
// none of ours.
func tunerOf(subject string) string {
	if t := TunerOfJob(subject); t != "" {
		return t
	}
	words := strings.Split(subject, ".")
	if WorkerOf(subject) == "" {
		return ""
	}
	return words[2]
}
