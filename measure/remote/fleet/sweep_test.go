package fleet

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"qtune/measure/remote"
)

// A tuner that dies leaves batches in the hub. When its consumer is gone, which the
// server sees to after remote.TunerGone, house-keeping removes them, and not those of
// the living; with the last tuner the streams go.
func TestDeadTuner(t *testing.T) {
	t.Parallel()
	s := startHub(t, t.TempDir(), -1)
	nc := dial(t, s.ClientURL())
	dead, alive := testRunner(t, nc), testRunner(t, nc)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{}, 2)
	for _, r := range []*Runner{dead, alive} {
		go func() {
			_, _ = r.Measure(ctx, testJobs(t, 16, 2)) // nobody takes it: it ends with ctx
			done <- struct{}{}
		}()
	}
	waiting := func() map[string]uint64 {
		stream, err := alive.js.Stream(t.Context(), remote.JobsStream(testKind().Generator))
		if err != nil {
			t.Fatal(err)
		}
		info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(">"))
		if err != nil {
			t.Fatal(err)
		}
		return info.State.Subjects
	}
	for len(waiting()) < 2 {
		time.Sleep(5 * time.Millisecond)
	}
	dead.stop() // as if it were killed: it says no good-bye
	dead.done.Wait()
	consumer, err := alive.js.Consumer(t.Context(), remote.ResultsStream, dead.tuner)
	if err != nil {
		t.Fatal(err)
	}
	if got := consumer.CachedInfo().Config.InactiveThreshold; got != remote.TunerGone {
		t.Errorf("a dead tuner's consumer goes after %v", got)
	}
	if err := alive.js.DeleteConsumer(t.Context(), remote.ResultsStream, dead.tuner); err != nil {
		t.Fatal(err)
	}
	if err := remote.Sweep(t.Context(), alive.js); err != nil {
		t.Fatal(err)
	}
	if got := waiting(); len(got) != 1 || got[testKind().Subject(alive.tuner)] != 1 {
		t.Errorf("after house-keeping %v wait", got)
	}
	cancel()
	<-done
	<-done
	alive.Close()
	wantNothingLeft(t, nc)
}
