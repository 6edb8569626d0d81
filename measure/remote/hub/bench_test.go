package hub

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"qtune/measure/remote"
)

// BenchmarkBatchesWay takes a batch from a tuner to a worker and its answer back.
func BenchmarkBatchesWay(b *testing.B) {
	for _, secure := range []bool{false, true} {
		b.Run(map[bool]string{false: "open", true: "team"}[secure], func(b *testing.B) {
			dir := b.TempDir()
			var desk, board *remote.Credentials
			if secure {
				if _, err := Init(dir, nil); err != nil {
					b.Fatal(err)
				}
				desk, board = add(b, dir, "desk", remote.TunerRole, Limits{}), add(b, dir, "board", remote.WorkerRole, Limits{})
			}
			h, _ := run(b, Config{Store: dir})
			tuner, worker := dial(b, h, desk, nil), dial(b, h, board, nil)
			tjs, _ := jetstream.New(tuner)
			wjs, _ := jetstream.New(worker)
			ctx := b.Context()
			if err := remote.CreateStreams(ctx, tjs, kind, remote.Lease); err != nil {
				b.Fatal(err)
			}
			results, err := remote.ResultsConsumer(ctx, tjs, "desk")
			if err != nil {
				b.Fatal(err)
			}
			queue, err := wjs.Consumer(ctx, remote.JobsStream(kind.Generator), kind.Consumer())
			if err != nil {
				b.Fatal(err)
			}
			data := make([]byte, 4<<10)
			for b.Loop() {
				if _, err := tjs.Publish(ctx, kind.Subject("desk"), data); err != nil {
					b.Fatal(err)
				}
				batch, err := queue.Next()
				if err != nil {
					b.Fatal(err)
				}
				if _, err := wjs.Publish(ctx, remote.ResultSubject("desk", "board"), data); err != nil {
					b.Fatal(err)
				}
				if err := batch.DoubleAck(ctx); err != nil {
					b.Fatal(err)
				}
				answer, err := results.Next()
				if err != nil {
					b.Fatal(err)
				}
				if err := answer.Ack(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReload lets one more worker in where there are many.
func BenchmarkReload(b *testing.B) {
	for _, n := range []int{10, 100, 400} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			internal, err := nkeys.CreateUser()
			if err != nil {
				b.Fatal(err)
			}
			plan := &blueprint{host: "127.0.0.1", store: b.TempDir(), log: slog.New(slog.DiscardHandler), internal: internal,
				certificate: new(atomic.Pointer[tls.Certificate]), tls: &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("none") }}}
			var users []User
			for i := range n + 1 {
				key, err := nkeys.CreateUser()
				if err != nil {
					b.Fatal(err)
				}
				public, err := key.PublicKey()
				if err != nil {
					b.Fatal(err)
				}
				users = append(users, User{Name: fmt.Sprint("board-", i), Role: remote.WorkerRole, Key: public})
			}
			e, err := plan.start(b.Context(), users[:n])
			if err != nil {
				b.Fatal(err)
			}
			defer e.stop()
			with := false
			for b.Loop() {
				before, after := users[:n], users
				if with {
					before, after = after, before
				}
				if err := e.reload(plan, before, after); err != nil {
					b.Fatal(err)
				}
				with = !with
			}
		})
	}
}
