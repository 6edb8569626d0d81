package service

import (
	"cmp"
	"slices"
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
// oldest events when they make room. Of progress only the latest is kept: it says
// all that those before it said. It is safe for concurrent use.
type feed struct {
	mu struct {
		sync.Mutex
		events  []api.Event // the last ones, by number
		bytes   int
		next    int64         // number of the next event
		dropped int64         // number of the last event that made room
		changed chan struct{} // closed by the next change
		end     string        // reason; "" while there will be more
	}
}

// newFeed makes an empty feed. Numbers begin with the time, so that they grow over
// restarts of the service too: a watcher that comes back names the last one it saw.
func newFeed() *feed {
	f := &feed{}
	f.mu.next = time.Now().UnixMilli() * 1000
	f.mu.dropped = f.mu.next - 1 // what a watcher of before has not seen, it has lost
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
	if t == api.ProgressEvent {
		f.forgetProgress()
	}
	f.mu.events = append(f.mu.events, api.Event{Seq: f.mu.next, Type: t, Data: text})
	f.mu.next++
	f.mu.bytes += len(text)
	for len(f.mu.events) > feedEvents || f.mu.bytes > feedBytes && len(f.mu.events) > 1 {
		f.mu.dropped = f.mu.events[0].Seq
		f.mu.bytes -= len(f.mu.events[0].Data)
		f.mu.events[0] = api.Event{} // its data is garbage now
		f.mu.events = f.mu.events[1:]
	}
	f.wake()
}

// forgetProgress removes the last progress. The caller holds the lock.
func (f *feed) forgetProgress() {
	for i := len(f.mu.events) - 1; i >= 0; i-- {
		if e := f.mu.events[i]; e.Type == api.ProgressEvent {
			f.mu.bytes -= len(e.Data)
			f.mu.events = slices.Delete(f.mu.events, i, i+1)
			return
		}
	}
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
	skip, _ := slices.BinarySearchFunc(f.mu.events, seq+1, func(e api.Event, n int64) int { return cmp.Compare(e.Seq, n) })
	r.lost = seq != 0 && seq < f.mu.dropped
	r.events = slices.Clone(f.mu.events[skip:])
	return r
}

// bound returns seq, or the number of the latest event where seq is beyond it.
func (f *feed) bound(seq int64) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return min(seq, f.mu.next-1)
}
