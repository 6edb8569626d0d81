package service

import (
	"sync"
	"time"

	"qtune/service/api"
)

// What a feed keeps of a job's events.
const (
	feedEvents = 256
	feedBytes  = 1 << 20
)

// A feed holds the last events of a job, for any number of watchers, each of which
// reads at its own pace from where it is: a slow one costs nothing, but misses the
// oldest events when they make room. It is safe for concurrent use.
type feed struct {
	mu struct {
		sync.Mutex
		events  []api.Event // the last ones, numbered without gap
		bytes   int
		next    int64         // number of the next event
		changed chan struct{} // closed by the next change
		end     string        // reason; "" while there will be more
	}
}

// newFeed makes an empty feed. Numbers begin with the time, so that they grow over
// restarts of the service too: a watcher that comes back names the last one it saw.
func newFeed() *feed {
	f := &feed{}
	f.mu.next = time.Now().UnixMilli() * 1000
	f.mu.changed = make(chan struct{})
	return f
}

// publish adds an event.
func (f *feed) publish(t api.EventType, data any) {
	text := mustJSON(data)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.end != "" {
		return
	}
	f.mu.events = append(f.mu.events, api.Event{Seq: f.mu.next, Type: t, Data: text})
	f.mu.next++
	f.mu.bytes += len(text)
	for len(f.mu.events) > feedEvents || f.mu.bytes > feedBytes && len(f.mu.events) > 1 {
		f.mu.bytes -= len(f.mu.events[0].Data)
		f.mu.events[0] = api.Event{}
		f.mu.events = f.mu.events[1:]
	}
	f.wake()
}

// end says that no event follows, and why.
func (f *feed) end(reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.end == "" {
		f.mu.end = reason
		f.wake()
	}
}

func (f *feed) wake() {
	close(f.mu.changed)
	f.mu.changed = make(chan struct{})
}

// A reading is what a feed has beyond some event.
type reading struct {
	events  []api.Event
	lost    bool            // events between were dropped
	end     string          // see End.Reason
	changed <-chan struct{} // closed when there is more
}

// after returns the events after number seq; 0 means from the start of what is kept.
func (f *feed) after(seq int64) reading {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := reading{end: f.mu.end, changed: f.mu.changed}
	first := f.mu.next - int64(len(f.mu.events))
	skip := min(max(seq+1-first, 0), int64(len(f.mu.events)))
	r.lost = seq != 0 && seq+1 < first
	r.events = append(r.events, f.mu.events[skip:]...)
	return r
}

// bound returns seq, or the number of the latest event where seq is beyond it.
func (f *feed) bound(seq int64) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return min(seq, f.mu.next-1)
}
