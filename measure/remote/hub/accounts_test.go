package hub

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"

	"qtune/measure/remote"
)

// A request names the subject of its answer, and the server publishes there in its
// own name. A worker that puts in what it must not publish to gets nowhere.
func TestTheServerDoesNotPublishForAWorkerWhatItMayNot(t *testing.T) {
	t.Parallel()
	f := open(t, Limits{})
	other := enter(t, f.h, add(t, f.dir, "other", remote.WorkerRole, Limits{}))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	jobs := remote.JobsStream(kind.Generator)
	queue := jobs + "." + kind.Consumer()

	// An answer waits for the tuner, and one is with it.
	results, err := f.tuner.js.Consumer(ctx, remote.ResultsStream, "desk")
	for errors.Is(err, nats.ErrNoResponders) && ctx.Err() == nil { // the accounts were just read again
		time.Sleep(10 * time.Millisecond)
		results, err = f.tuner.js.Consumer(ctx, remote.ResultsStream, "desk")
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := other.js.Publish(ctx, remote.ResultSubject("desk", "other"), []byte("answer")); err != nil {
			t.Fatal(err)
		}
	}
	held, err := results.Next(jetstream.FetchMaxWait(patience))
	if err != nil {
		t.Fatal(err)
	}
	kv, err := other.js.KeyValue(ctx, remote.WorkersBucket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.PutString(ctx, remote.StatusKey("other"), "idle"); err != nil {
		t.Fatal(err)
	}
	// What the worker says of itself is text of its choice, which it can have sent.
	mine, err := f.worker.js.KeyValue(ctx, remote.WorkersBucket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mine.PutString(ctx, remote.StatusKey("board"), "forged"); err != nil {
		t.Fatal(err)
	}
	inbox, err := other.nc.SubscribeSync("_INBOX_other.x")
	if err != nil {
		t.Fatal(err)
	}
	if err := other.nc.Flush(); err != nil {
		t.Fatal(err)
	}

	for _, target := range []string{
		api + "STREAM.DELETE." + remote.ResultsStream, api + "STREAM.PURGE." + remote.ResultsStream, api + "STREAM.DELETE." + jobs, api + "STREAM.DELETE." + bucket,
		api + "CONSUMER.DELETE." + remote.ResultsStream + ".desk", api + "CONSUMER.MSG.NEXT." + remote.ResultsStream + ".desk",
		held.Reply(), "$JS.ACK._.x." + held.Reply()[len("$JS.ACK."):],
		remote.ResultSubject("desk", "other"), "$KV." + remote.WorkersBucket + "." + remote.StatusKey("other"), kind.Subject("desk"), "_INBOX_other.x", "_INBOX_desk.x",
	} {
		for request, text := range map[string]string{
			api + "CONSUMER.MSG.NEXT." + queue: `{"batch":1,"no_wait":true}`, // an empty answer
			api + "CONSUMER.INFO." + queue:     "",
			api + "STREAM.INFO." + bucket:      "",
			api + "DIRECT.GET." + bucket + "." + "$KV." + remote.WorkersBucket + "." + remote.StatusKey("board"): "", // the text of its choice
			remote.BeatSubject("desk", "board"): "forged",
		} {
			if err := f.worker.nc.PublishRequest(request, target, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.worker.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // the server answers when it can

	stream, err := f.tuner.js.Stream(ctx, remote.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n != 2 {
		t.Errorf("%d answers, want 2", n)
	}
	info, err := results.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if info.NumAckPending != 1 || info.NumPending != 1 {
		t.Errorf("%d answers are with the tuner and %d wait, want 1 and 1", info.NumAckPending, info.NumPending)
	}
	if batches, err := f.tuner.js.Stream(ctx, jobs); err != nil || batches.CachedInfo().State.Msgs != 0 {
		t.Errorf("the jobs stream: %v, %v", batches, err)
	}
	if e, err := kv.Get(ctx, remote.StatusKey("other")); err != nil || string(e.Value()) != "idle" {
		t.Errorf("the other worker's status: %v, %v", e, err)
	}
	if m, err := inbox.NextMsg(50 * time.Millisecond); err == nil {
		t.Errorf("the other worker got %q", m.Data)
	}
}

// When users come and go, requests of those who stay are still answered.
func TestRequestsOutliveAReload(t *testing.T) {
	t.Parallel()
	f := open(t, Limits{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	queue, err := f.worker.js.Consumer(ctx, remote.JobsStream(kind.Generator), kind.Consumer())
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() {
		m, err := queue.Next(jetstream.FetchMaxWait(patience))
		if err == nil {
			err = m.DoubleAck(ctx)
		}
		got <- err
	}()
	eventually(t, "the worker does not ask", func() error {
		c, err := f.h.embedded().js.Consumer(ctx, remote.JobsStream(kind.Generator), kind.Consumer())
		if err == nil && c.CachedInfo().NumWaiting == 0 {
			err = fmt.Errorf("nobody waits")
		}
		return err
	})
	enter(t, f.h, add(t, f.dir, "board-2", remote.WorkerRole, Limits{}))
	enter(t, f.h, add(t, f.dir, "desk-2", remote.TunerRole, Limits{}))
	if _, err := f.tuner.js.Publish(ctx, kind.Subject("desk"), []byte("batch")); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Errorf("the worker that waited: %v", err)
	}
}

// All workers that are there answer when a tuner asks, and nobody else.
func TestPresence(t *testing.T) {
	t.Parallel()
	f := open(t, Limits{})
	serve := func(g *guest) {
		if _, err := micro.AddService(g.nc, micro.Config{Name: remote.ServiceName, Version: "1.0.0"}); err != nil {
			t.Fatal(err)
		}
		if err := g.nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	present := func(want int) {
		t.Helper()
		inbox := f.tuner.nc.NewRespInbox()
		sub, err := f.tuner.nc.SubscribeSync(inbox)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.tuner.nc.PublishRequest("$SRV.INFO."+remote.ServiceName, inbox, nil); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if _, err := sub.NextMsg(patience); err != nil {
				t.Errorf("%d workers answer, want %d: %v", i, want, err)
				return
			}
		}
		if m, err := sub.NextMsg(50 * time.Millisecond); err == nil {
			t.Errorf("more than %d answer: %s", want, m.Data)
		}
	}
	serve(f.worker)
	present(1)
	for _, name := range []string{"board-2", "board-3"} {
		serve(enter(t, f.h, add(t, f.dir, name, remote.WorkerRole, Limits{})))
	}
	present(3)
	before := f.h.reloads.Load()
	if err := Revoke(f.dir, "board-2"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the worker stays", func() error {
		if users := len(f.h.roles()); users != 3 || f.h.reloads.Load() != before+1 {
			return fmt.Errorf("%d users", users)
		}
		return nil
	})
	present(2)
}
