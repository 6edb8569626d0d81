package service

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"qtune/service/api"
)

// A slow watcher misses the oldest events and is told so; one that comes back goes
// on after the last event that it saw.
func TestSlowWatcher(t *testing.T) {
	f := newFeed()
	w := &Watch{feed: f}
	for range 3 {
		f.publish(api.EndedEvent, api.TaskEnded{})
	}
	got, err := w.Next(t.Context())
	if err != nil || len(got) != 3 {
		t.Fatalf("%v, %v", got, err)
	}
	seen := got[2].Seq
	for range feedEvents {
		f.publish(api.EndedEvent, api.TaskEnded{})
	}
	got, err = (&Watch{feed: f, seq: seen}).Next(t.Context())
	if err != nil || len(got) != feedEvents || got[0].Seq != seen+1 {
		t.Errorf("nothing is lost yet: %d events, %v", len(got), err)
	}
	f.publish(api.EndedEvent, api.TaskEnded{Task: 7})
	got, err = w.Next(t.Context())
	if err != nil || len(got) != feedEvents+1 || got[0].Type != api.LostEvent || got[0].Seq != 0 || got[1].Seq != seen+2 {
		t.Errorf("%d events, %v; %+v", len(got), err, got[:2])
	}
	// Large events: fewer are kept.
	for range 8 {
		f.publish(api.EndedEvent, api.TaskEnded{Reason: strings.Repeat("x", feedBytes/4)})
	}
	if got, _ = w.Next(t.Context()); len(got) != 4 || f.mu.bytes > feedBytes {
		t.Errorf("%d events of %d bytes are kept", len(got)-1, f.mu.bytes)
	}
	// Progress is the latest alone.
	for i := range 9 {
		f.publish(api.ProgressEvent, api.Progress{Done: i})
		f.publish(api.EndedEvent, api.TaskEnded{Task: i})
	}
	if got, _ = w.Next(t.Context()); len(got) != 10 || got[8].Type != api.ProgressEvent || !strings.Contains(string(got[8].Data), `"done":8`) {
		t.Errorf("%d events: %+v", len(got), got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("nothing new: %v", err)
	}
	if n := f.bound(1 << 62); n != f.mu.next-1 {
		t.Errorf("an event of the future is taken for %d, want %d", n, f.mu.next-1)
	}
	f.end(api.ServiceStopped)
	f.publish(api.EndedEvent, api.TaskEnded{})
	if got, err := w.Next(t.Context()); err != nil || len(got) != 1 || got[0].Type != api.EndEvent {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := w.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
}
