package pages

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"qtune/schedules"
	"qtune/service"
	"qtune/service/views"
)

// limitsTime bounds how long a page waits for what the machine can do: for a batch
// that is being measured, and then for the measuring itself.
const limitsTime = 20 * time.Second

// machines remembers what a core can do with each instruction set. It is measured when
// a page first wants it, beside no trial.
type machines struct {
	service   *service.Service
	limits    Limits // nil: not known
	log       *slog.Logger
	measuring singleflight.Group
	known     sync.Map // schedules.ISA to *views.Machine
}

// get returns nil where it is not known.
func (m *machines) get(isa schedules.ISA) *views.Machine {
	if m.limits == nil {
		return nil
	}
	if v, ok := m.known.Load(isa); ok {
		return v.(*views.Machine)
	}
	v, err, _ := m.measuring.Do(string(isa), func() (any, error) {
		// Not of one request: others wait for the same.
		ctx, cancel := context.WithTimeout(context.Background(), limitsTime)
		defer cancel()
		var machine *views.Machine
		err := m.service.Alone(ctx, func() (err error) {
			machine, err = m.limits(ctx, isa)
			return err
		})
		if err == nil {
			m.known.Store(isa, machine)
		}
		return machine, err
	})
	if err != nil {
		m.log.Warn("limits of the machine not measured", "target", isa, "error", err)
		return nil
	}
	return v.(*views.Machine)
}
