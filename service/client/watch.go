package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"qtune/service/api"
)

// How a watch that was broken off tries again. The service sends a sign of life more
// often than every silence.
const (
	silence    = time.Minute
	firstPause = 250 * time.Millisecond
	maxPause   = 15 * time.Second
	maxEvent   = 4 << 20 // bytes of a line
)

// Watch calls f with the events of a job until the job has ended, f returns an
// error, or ctx ends. Where the connection breaks, also because the service starts
// anew, it goes on after the last event: until the service says that it must not.
// Where there is no service to begin with, it says so.
func (c *Client) Watch(ctx context.Context, id int64, f func(api.Event) error) error {
	if _, err := c.Job(ctx, id); err != nil {
		return err
	}
	last := int64(0)
	pause := firstPause
	for {
		ended, err := c.watchOnce(ctx, id, &last, func(e api.Event) error {
			pause = firstPause
			return f(e)
		})
		var status *StatusError
		var stop *stopped
		switch {
		case errors.As(err, &stop):
			return stop.err
		case ended:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &status) && status.Status < 500 && status.Status != http.StatusTooManyRequests:
			return err
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, maxPause)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stopped is an error of the caller's function.
type stopped struct{ err error }

func (s *stopped) Error() string { return s.err.Error() }

// watchOnce reads one stream. It tells whether the job has ended.
func (c *Client) watchOnce(ctx context.Context, id int64, last *int64, f func(api.Event) error) (ended bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	header := http.Header{}
	if *last > 0 {
		header.Set("Last-Event-ID", strconv.FormatInt(*last, 10))
	}
	res, err := c.do(ctx, question{method: "GET", path: jobPath(id) + "/events", header: header})
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, maxEvent)
	var e api.Event
	for lines.Scan() {
		quiet.Reset(silence)
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			if e.Seq, err = strconv.ParseInt(value, 10, 64); err != nil {
				return false, fmt.Errorf("job %d: %q is not the number of an event", id, api.Clip(value))
			}
		case "event":
			e.Type = api.EventType(value)
		case "data":
			e.Data = json.RawMessage(value)
		case "":
			if e.Type == "" {
				continue // a sign of life
			}
			if err := f(e); err != nil {
				return false, &stopped{err}
			}
			*last = max(*last, e.Seq)
			if e.Type == api.EndEvent {
				var end api.End
				err := json.Unmarshal(e.Data, &end)
				return end.Reason == api.JobEnded, err
			}
			e = api.Event{}
		}
	}
	return false, lines.Err()
}
