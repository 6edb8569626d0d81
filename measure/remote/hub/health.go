package hub

import (
	"context"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"

	"qtune/measure/remote"
)

// restartSpace is how much must be free, in bytes, to try again after writing
// failed: a few of the largest messages.
const restartSpace = 16 * remote.MaxMessage

// A lowSpace says once that space is low, and once that it is not any more.
type lowSpace struct{ said bool }

func (l *lowSpace) look(h *Hub) {
	free, err := freeBytes(h.store)
	if err != nil {
		return
	}
	if low := free < h.minFree; low != l.said {
		l.said = low
		if low {
			h.log.Warn("the file system of the hub is nearly full", "folder", h.store, "free", free, "floor", h.minFree)
		} else {
			h.log.Info("the file system of the hub has space again", "folder", h.store, "free", free)
		}
	}
}

// heal starts the server again where it cannot store any more. After one failed
// write the server refuses all further ones to a stream, for ever: what it answered
// before is on the disk, what it did not answer will be sent again. So nothing is
// lost by starting anew from the disk, once there is space.
func (h *Hub) heal(ctx context.Context) {
	why := h.sick()
	if why != "" && why != h.trouble {
		h.log.Error("the hub cannot store messages", "why", why)
	}
	if h.trouble = why; why == "" {
		return
	}
	if free, err := freeBytes(h.store); err == nil && free < min(restartSpace, h.minFree) {
		return
	}
	h.stop()
	e, err := h.plan.start(ctx, h.users)
	if err == nil {
		h.mu.Lock()
		h.now = e
		h.mu.Unlock()
		h.restarts.Add(1)
		_, err = remote.OpenWorkers(ctx, e.js)
	}
	if err != nil {
		if ctx.Err() == nil {
			h.log.Error("starting the server again", "error", err)
		}
		return
	}
	h.trouble = ""
	h.log.Info("the server is back")
}

// sick says why the server does not work; "" where it does.
func (h *Hub) sick() string {
	e := h.embedded()
	if e == nil {
		return "no server runs"
	}
	status := e.server.Healthz(&server.HealthzOptions{})
	if status.Status == "ok" {
		return ""
	}
	return fmt.Sprintf("%s (%d)", status.Error, status.StatusCode)
}
