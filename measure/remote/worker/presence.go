package worker

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/micro"

	"qtune/measure/remote"
)

// announce makes the worker one of the service remote.ServiceName, for NATS's own
// tools, and answers requests to remote.StatusSubject.
func (s *session) announce() (micro.Service, error) {
	id := s.cfg.Identity
	var isas []string
	for _, isa := range s.cfg.ISAs {
		isas = append(isas, string(isa))
	}
	service, err := micro.AddService(s.nc, micro.Config{
		Name: remote.ServiceName, Version: fmt.Sprintf("%d.0.0", remote.Version), Description: "measures schedules",
		Metadata: map[string]string{
			"name": id.Name, "version": id.Version, "generator": id.Generator, "class": id.Machine.Class(),
			"isas": strings.Join(isas, " "), "cores": strings.Trim(fmt.Sprint(s.cfg.Cores), "[]"),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("announcing the worker: %w", err)
	}
	answer := func(r micro.Request) {
		data, err := s.board.status().Encode()
		if err == nil {
			err = r.Respond(data)
		}
		if err != nil {
			s.log.Warn("saying the status", "error", err)
		}
	}
	// Without a queue group every worker answers a request.
	err = service.AddEndpoint("status", micro.HandlerFunc(answer), micro.WithEndpointSubject(remote.StatusSubject), micro.WithEndpointQueueGroupDisabled())
	if err != nil {
		return nil, fmt.Errorf("announcing the worker: %w", err)
	}
	return service, nil
}

// report puts the status into the workers' bucket: at once, after changes of state
// and now and then, until ctx ends.
func (s *session) report(ctx context.Context) {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.board.changed:
		case <-next.C:
		}
		pause := s.pace.report
		if err := s.putStatus(ctx); err != nil {
			pause = s.again(err)
			if !missing(err) {
				s.log.Debug("the status cannot be kept", "why", remote.Explain(s.cfg.Hub.URL, err))
			}
		}
		next.Reset(pause)
	}
}

func (s *session) putStatus(ctx context.Context) error {
	data, err := s.board.status().Encode()
	if err != nil {
		return err
	}
	try, cancel := context.WithTimeout(ctx, s.pace.try)
	defer cancel()
	return s.bucket.put(try, remote.StatusKey(s.cfg.Identity.Name), data)
}

// leave says that the worker has ended, as far as the hub can be reached.
func (s *session) leave(ctx context.Context, service micro.Service) {
	s.board.leave()
	if s.nc.IsClosed() {
		return
	}
	if err := s.putStatus(context.WithoutCancel(ctx)); err != nil && !missing(err) {
		s.log.Warn("that it has ended cannot be kept", "why", remote.Explain(s.cfg.Hub.URL, err))
	}
	if err := service.Stop(); err != nil {
		s.log.Warn("ending the service", "error", err)
	}
	if err := s.nc.FlushTimeout(s.pace.try); err != nil {
		s.log.Warn("the hub may not have heard the last words", "error", err)
	}
}
