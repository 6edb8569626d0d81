package hub

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"qtune/measure/remote"
)

// A hub whose file system was full stores again once there is space, by itself,
// and has all that it ever acknowledged.
func TestAFullFileSystemLosesNothing(t *testing.T) {
	t.Parallel()
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=12m"); err != nil {
		t.Skipf("no small file system can be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(small, 0); err != nil {
			t.Error(err)
		}
	})
	var book logBook
	h, end := run(t, Config{Store: filepath.Join(small, "hub"), MinFree: 8 << 20, Log: book.logger()})
	t.Cleanup(end) // before the file system goes
	nc := dial(t, h, nil, nil)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	if err := remote.CreateStreams(ctx, js, kind, remote.Lease); err != nil {
		t.Fatal(err)
	}
	if _, err := remote.ResultsConsumer(ctx, js, "desk"); err != nil {
		t.Fatal(err)
	}

	filler := filepath.Join(small, "filler")
	if err := os.WriteFile(filler, make([]byte, 9<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the log does not warn", func() error {
		if text := book.String(); !strings.Contains(text, "nearly full") {
			return fmt.Errorf("the log is %s", text)
		}
		return nil
	})
	acked := map[string]bool{}
	publish := func(i int) error {
		try, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		id := fmt.Sprint(i)
		body := append([]byte(id+" "), make([]byte, 100<<10)...)
		_, err := js.Publish(try, remote.ResultSubject("desk", "board"), body, jetstream.WithMsgID(id), jetstream.WithRetryAttempts(0))
		if err == nil {
			acked[id] = true
		}
		return err
	}
	full := false
	for i := 0; i < 100 && !full; i++ {
		full = publish(i) != nil
	}
	if !full || len(acked) == 0 {
		t.Fatalf("%d messages fit", len(acked))
	}
	eventually(t, "the hub does not notice", func() error {
		if !strings.Contains(book.String(), "cannot store messages") {
			return fmt.Errorf("the log is %s", book.String())
		}
		return nil
	})
	if h.restarts.Load() > 0 {
		t.Error("the server was started again without space")
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the hub does not store again", func() error { return publish(1000) })
	stream, err := js.Stream(ctx, remote.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	results, err := stream.Consumer(ctx, "desk")
	if err != nil {
		t.Fatal(err)
	}
	n := len(acked)
	for len(acked) > 0 {
		m, err := results.Next(jetstream.FetchMaxWait(5 * time.Second))
		if err != nil {
			t.Fatalf("%d of %d acknowledged messages are gone: %v", len(acked), n, err)
		}
		id, _, _ := strings.Cut(string(m.Data()), " ")
		delete(acked, id)
		if err := m.Ack(); err != nil {
			t.Fatal(err)
		}
	}
	if h.restarts.Load() != 1 {
		t.Errorf("the server was started %d times again", h.restarts.Load())
	}
	t.Logf("%d messages kept; log:\n%s", n, book.String())
}
