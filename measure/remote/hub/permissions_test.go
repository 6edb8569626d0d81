package hub

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"

	"qtune/kernels"
	"qtune/measure/remote"
	"qtune/schedules"
)

const class = "amd-26-2 l1d=49152 l2=1048576 l3=33554432"

var kind = remote.Kind{Generator: kernels.Generator, ISA: schedules.AVX2, Class: class}

// A guest is a connection with what it was refused.
type guest struct {
	nc      *nats.Conn
	js      jetstream.JetStream
	refused chan error
}

func enter(t *testing.T, h *Hub, c *remote.Credentials) *guest {
	t.Helper()
	g := &guest{refused: make(chan error, 100)}
	g.nc = dial(t, h, c, func(err error) { g.refused <- err })
	var err error
	if g.js, err = jetstream.New(g.nc); err != nil {
		t.Fatal(err)
	}
	return g
}

// wantRefused checks that an action on a subject was refused by name.
func (g *guest) wantRefused(t *testing.T, what, subject string) {
	t.Helper()
	if err := g.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-g.refused:
		if text := err.Error(); !strings.Contains(text, "do not allow it") || !strings.Contains(text, subject) {
			t.Errorf("%s %s: %v", what, subject, err)
		}
	case <-time.After(patience):
		t.Errorf("%s %s is allowed", what, subject)
	}
}

// wantContent checks that nothing was refused.
func (g *guest) wantContent(t *testing.T) {
	t.Helper()
	if err := g.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-g.refused:
		t.Errorf("refused: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
}

// A floor is a hub with a tuner and a worker, and streams with a batch in them.
type floor struct {
	h             *Hub
	dir           string
	tuner, worker *guest
}

func open(t *testing.T, limits Limits) *floor {
	t.Helper()
	dir := team(t)
	tuner := add(t, dir, "desk", remote.TunerRole, Limits{})
	worker := add(t, dir, "board", remote.WorkerRole, limits)
	h, _ := run(t, Config{Store: dir})
	f := &floor{h, dir, enter(t, h, tuner), enter(t, h, worker)}
	f.begin(t, f.tuner, "desk")
	return f
}

// begin does what a tuner begins with.
func (f *floor) begin(t *testing.T, g *guest, name string) jetstream.Consumer {
	t.Helper()
	if err := remote.CreateStreams(t.Context(), g.js, kind, remote.Lease); err != nil {
		t.Fatal(err)
	}
	c, err := remote.ResultsConsumer(t.Context(), g.js, name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTheProtocolIsAllowed goes a batch's way, and does all else that tuners and
// workers do.
func TestTheProtocolIsAllowed(t *testing.T) {
	t.Parallel()
	for _, limits := range []Limits{{}, {ISA: kind.ISA, Class: kind.Class}} {
		f := open(t, limits)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		results := f.begin(t, f.tuner, "desk") // a second time, as after a restart
		beats, err := f.tuner.nc.SubscribeSync(remote.BeatSubject("desk", "*"))
		check(err)
		_, err = f.tuner.js.Publish(ctx, kind.Subject("desk"), []byte("batch"))
		check(err)

		// The worker takes it, says so, extends its lease and answers.
		queue, err := f.worker.js.Consumer(ctx, remote.JobsStream(kind.Generator), kind.Consumer())
		check(err)
		batch, err := queue.Next(jetstream.FetchMaxWait(patience))
		check(err)
		check(f.worker.nc.Publish(remote.BeatSubject("desk", "board"), []byte("beat")))
		check(batch.InProgress())
		_, err = f.worker.js.Publish(ctx, remote.ResultSubject("desk", "board"), []byte("answer"), jetstream.WithMsgID("1"))
		check(err)
		check(batch.DoubleAck(ctx))
		_, err = beats.NextMsgWithContext(ctx)
		check(err)
		answer, err := results.Next(jetstream.FetchMaxWait(patience))
		check(err)
		if remote.WorkerOf(answer.Subject()) != "board" {
			t.Errorf("an answer on %s", answer.Subject())
		}
		check(answer.DoubleAck(ctx))
		_, err = queue.Info(ctx)
		check(err)

		// What is known of workers.
		mine, err := f.worker.js.KeyValue(ctx, remote.WorkersBucket)
		check(err)
		_, err = mine.PutString(ctx, remote.StatusKey("board"), "idle")
		check(err)
		all, err := remote.OpenWorkers(ctx, f.tuner.js)
		check(err)
		_, err = all.PutString(ctx, remote.AsideKey("board"), "fails often")
		check(err)
		_, err = mine.Get(ctx, remote.AsideKey("board"))
		check(err)
		check(mine.Delete(ctx, remote.AsideKey("board")))
		keys, err := all.ListKeys(ctx)
		check(err)
		for range keys.Keys() {
		}
		watch, err := all.WatchAll(ctx)
		check(err)
		check(watch.Stop())

		// Presence.
		service, err := micro.AddService(f.worker.nc, micro.Config{Name: remote.ServiceName, Version: "1.0.0"})
		check(err)
		check(f.worker.nc.Flush())
		for _, subject := range []string{"$SRV.PING", "$SRV.INFO." + remote.ServiceName, "$SRV.STATS." + remote.ServiceName} {
			_, err = f.tuner.nc.RequestWithContext(ctx, subject, nil)
			check(err)
		}
		check(service.AddEndpoint("status", micro.HandlerFunc(func(r micro.Request) { r.Respond([]byte("idle")) }), micro.WithEndpointSubject(remote.StatusSubject)))
		check(f.worker.nc.Flush())
		_, err = f.tuner.nc.RequestWithContext(ctx, remote.StatusSubject, nil)
		check(err)
		check(service.Stop())

		// A batch that nobody could measure, and the end.
		ack, err := f.tuner.js.Publish(ctx, kind.Subject("desk"), []byte("batch"))
		check(err)
		jobs, err := f.tuner.js.Stream(ctx, remote.JobsStream(kind.Generator))
		check(err)
		_, err = jobs.GetMsg(ctx, ack.Sequence)
		check(err)
		check(jobs.DeleteMsg(ctx, ack.Sequence))
		check(remote.Sweep(ctx, f.tuner.js))
		check(remote.Leave(ctx, f.tuner.js, "desk"))
		if _, err := f.tuner.js.Stream(ctx, remote.ResultsStream); err == nil {
			t.Error("the streams stay after the last tuner left")
		}
		f.tuner.wantContent(t)
		f.worker.wantContent(t)
	}
}

// An attempt is one that must be refused.
type attempt struct {
	what, subject string
	do            func(*nats.Conn) error
}

func publish(subject string) attempt {
	return attempt{"publishing to", subject, func(nc *nats.Conn) error { return nc.PublishRequest(subject, "_INBOX.x", []byte("{}")) }}
}

func subscribe(subject string) attempt {
	return attempt{"listening to", subject, func(nc *nats.Conn) error {
		_, err := nc.SubscribeSync(subject)
		return err
	}}
}

// forbidden are attempts that neither role may succeed with.
func forbidden() []attempt {
	return []attempt{
		publish("$SYS.REQ.SERVER.PING"), publish("$SYS.REQ.ACCOUNT.PING.CONNZ"), publish("$SYS.REQ.USER.INFO"), subscribe("$SYS.>"),
		publish("$JS.API.META.LEADER.STEPDOWN"), publish("$JS.API.SERVER.REMOVE"), publish("$JS.API.ACCOUNT.PURGE.$G"), publish("$JS.API.INFO"),
		publish("$JS.API.STREAM.SNAPSHOT.QTUNE_RESULTS"), publish("$JS.API.STREAM.RESTORE.EVIL"), publish("$JS.API.DIRECT.GET.QTUNE_RESULTS"),
		publish("$JS.API.STREAM.CREATE.KV_qtune_workers"), publish("$JS.API.STREAM.DELETE.KV_qtune_workers"), publish("$JS.API.STREAM.PURGE.KV_qtune_workers"),
		publish("$JS.API.STREAM.UPDATE.KV_qtune_workers"), publish("$JS.API.STREAM.MSG.DELETE.KV_qtune_workers"),
		publish("$JS.API.CONSUMER.PAUSE.QTUNE_JOBS_7.x"), publish("$JS.API.CONSUMER.RESET.QTUNE_JOBS_7.x"), publish("$JS.API.CONSUMER.DELETE.QTUNE_JOBS_7.x"),
		publish("$JS.API.CONSUMER.CREATE.QTUNE_RESULTS"), publish("$JS.API.CONSUMER.CREATE.QTUNE_RESULTS.x"), publish("$JS.API.CONSUMER.CREATE.QTUNE_RESULTS.x.qtune.>"),
		publish("$JS.API.CONSUMER.DURABLE.CREATE.QTUNE_RESULTS.x"), publish("$JS.API.CONSUMER.CREATE.KV_qtune_workers.x"),
		publish("$JS.ACK.KV_qtune_workers.other.1.1.1.1.1"),
		publish("$KV.qtune_workers.other.status"), publish("$KV.other.board.status"), publish("$KV.qtune_workers.other"),
		publish("qtune.job.7.avx2.x"), publish("qtune.result.desk.other"), publish("qtune.beat.desk.other"), publish("qtune.anything"),
		publish("_INBOX_other.abc"), publish("_INBOX.abc"),
		subscribe(">"), subscribe("*.>"), subscribe("qtune.>"), subscribe("qtune.result.desk.*"), subscribe("qtune.job.>"),
		subscribe("_INBOX.>"), subscribe("_INBOX_other.>"), subscribe("_INBOX_*.>"), subscribe("$JS.>"), subscribe("$JS.API.>"), subscribe("$JS.ACK.>"), subscribe("$JS.EVENT.>"),
		subscribe("$KV.qtune_workers.>"),
	}
}

func TestWhatIsForbiddenIsRefused(t *testing.T) {
	t.Parallel()
	f := open(t, Limits{ISA: kind.ISA, Class: kind.Class})
	rover := enter(t, f.h, add(t, f.dir, "rover", remote.WorkerRole, Limits{})) // of any queue
	notOfWorkers := []attempt{
		publish(kind.Subject("desk")), publish(remote.ResultSubject("desk", "desk")), publish(remote.BeatSubject("desk", "board-2")),
		publish("qtune.result.desk.board.more"), publish("qtune.result.desk"),
		publish("$JS.API.STREAM.NAMES"), publish("$JS.API.STREAM.LIST"), publish("$JS.API.STREAM.INFO.QTUNE_JOBS_7"), publish("$JS.API.STREAM.INFO.QTUNE_RESULTS"),
		publish("$JS.API.STREAM.CREATE.EVIL"), publish("$JS.API.STREAM.DELETE.QTUNE_JOBS_7"), publish("$JS.API.STREAM.PURGE.QTUNE_JOBS_7"),
		publish("$JS.API.STREAM.UPDATE.QTUNE_RESULTS"), publish("$JS.API.STREAM.MSG.DELETE.QTUNE_JOBS_7"), publish("$JS.API.STREAM.MSG.GET.QTUNE_RESULTS"),
		publish("$JS.API.CONSUMER.CREATE.QTUNE_JOBS_7.x.qtune.job.>"), publish("$JS.API.CONSUMER.NAMES.QTUNE_RESULTS"),
		publish("$JS.API.CONSUMER.CREATE.QTUNE_RESULTS.x.qtune.result.desk.*"), publish("$JS.API.CONSUMER.DELETE.QTUNE_RESULTS.desk"),
		publish("$JS.API.CONSUMER.INFO.QTUNE_RESULTS.desk"), publish("$JS.API.CONSUMER.MSG.NEXT.QTUNE_RESULTS.desk"),
		publish("$JS.API.CONSUMER.CREATE.KV_qtune_workers.x.$KV.qtune_workers.>"), publish("$JS.API.CONSUMER.MSG.NEXT.KV_qtune_workers.x"),
		publish("$JS.ACK.QTUNE_RESULTS.desk.1.1.1.1.1"), publish("$JS.ACK._.abcd.QTUNE_RESULTS.desk.1.1.1.1.1"),
		publish("$KV.qtune_workers.board"), publish("$KV.qtune_workers.board.more"), publish("$KV.qtune_workers.desk.aside"),
		publish("$JS.API.DIRECT.GET.KV_qtune_workers"), publish("$JS.API.DIRECT.GET.KV_qtune_workers.$KV.qtune_workers.desk.status"),
		publish("$JS.API.STREAM.MSG.GET.KV_qtune_workers"),
		publish("$SRV.PING"), publish(remote.StatusSubject), publish("_INBOX_desk.abc"),
		subscribe("_INBOX_desk.>"), subscribe("qtune.beat.desk.*"), subscribe("qtune.result.desk.board"),
	}
	for _, c := range []struct {
		who  string
		g    *guest
		more []attempt
	}{
		{"worker of any queue", rover, notOfWorkers[:len(notOfWorkers):len(notOfWorkers)]},
		{"worker of one queue", f.worker, append(notOfWorkers,
			publish("$JS.API.CONSUMER.MSG.NEXT.QTUNE_JOBS_7."+remote.ConsumerOf(schedules.AVX512VNNI, class)),
			publish("$JS.API.CONSUMER.INFO.QTUNE_JOBS_7."+remote.ConsumerOf(schedules.AVX2, "intel-6-85 l1d=0 l2=0 l3=0")),
			publish("$JS.ACK.QTUNE_JOBS_7."+remote.ConsumerOf(schedules.AVX512VNNI, class)+".1.1.1.1.1"),
		)},
		{"tuner", f.tuner, []attempt{
			publish(remote.ResultSubject("desk", "board")), publish(remote.ResultSubject("desk", "desk")), publish(remote.BeatSubject("desk", "board")),
			publish("$KV.qtune_workers.board.status"),
			publish("$JS.API.CONSUMER.MSG.NEXT.QTUNE_JOBS_7." + kind.Consumer()), publish("$JS.ACK.QTUNE_JOBS_7." + kind.Consumer() + ".1.1.1.1.1"),
			publish("$JS.API.CONSUMER.CREATE.QTUNE_RESULTS.desk.qtune.result.>"), publish("$JS.API.CONSUMER.CREATE.QTUNE_JOBS_7.x"),
			publish("_INBOX_board.abc"), subscribe("_INBOX_board.>"), subscribe("$SRV.>"), subscribe(remote.StatusSubject), subscribe("qtune.beat.>"),
		}},
	} {
		c.g.wantContent(t)
		for _, a := range append(forbidden(), c.more...) {
			if err := a.do(c.g.nc); err != nil {
				t.Errorf("%s: %s %s: %v", c.who, a.what, a.subject, err)
				continue
			}
			c.g.wantRefused(t, c.who+": "+a.what, a.subject)
		}
	}
}
