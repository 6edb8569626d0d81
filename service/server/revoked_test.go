package server

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"qtune/measure/sim"
	"qtune/service"
	"qtune/service/api"
	"qtune/service/client"
)

// Who watches with a token that is revoked sees no more.
func TestRevokedWatcher(t *testing.T) {
	h, s := newServer(t, func(sc *service.Config, _ *Config) {
		sc.Runner = sim.New(sim.Config{Seed: 3, Slots: 1, Delay: 50 * time.Millisecond})
	})
	h.Config.Handler.(*Server).recheck = 10 * time.Millisecond
	owner := newClient(t, h, must(s.AddToken(t.Context(), "ann", service.Submit)))
	spec := api.DefaultSpec()
	spec.Model, spec.Trials = must(owner.Upload(t.Context(), "net", golden(t, "conv_u8_bigk"))).Hash, 1000
	j := must(owner.Submit(t.Context(), spec))
	eve := newClient(t, h, must(s.AddToken(t.Context(), "eve", service.Read)))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	events := 0
	err := eve.Watch(ctx, j.ID, func(api.Event) error {
		if events++; events == 2 {
			return s.Revoke(t.Context(), "eve")
		}
		return nil
	})
	var status *client.StatusError
	if !errors.As(err, &status) || status.Status != http.StatusUnauthorized {
		t.Errorf("after %d events: %v", events, err)
	}
	if _, err := owner.Change(t.Context(), j.ID, "cancel"); err != nil {
		t.Error(err)
	}
}
