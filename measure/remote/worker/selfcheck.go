package worker

import (
	"context"
	"fmt"

	"qtune/kernels"
	"qtune/measure"
	"qtune/qnn"
	"qtune/schedules"
)

// checkWorkloads are small layers of each family.
var checkWorkloads = []schedules.Workload{
	{Op: schedules.Conv2D, N: 1, H: 8, W: 8, C: 16, O: 32,
		Window: qnn.Window{KH: 3, KW: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, PadTop: 1, PadLeft: 1, PadBottom: 1, PadRight: 1}},
	{Op: schedules.Depthwise, N: 1, H: 8, W: 8, C: 32, O: 32, Multiplier: 1,
		Window: qnn.Window{KH: 3, KW: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, PadTop: 1, PadLeft: 1, PadBottom: 1, PadRight: 1}},
	{Op: schedules.Dense, N: 1, H: 1, W: 1, C: 64, O: 32,
		Window: qnn.Window{KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}},
}

// selfCheck measures the default schedules of small layers in each instruction set,
// and returns what is wrong with this worker, "" where nothing is. An error means
// that nothing could be measured now.
func (s *session) selfCheck(ctx context.Context) (string, error) {
	for _, isa := range s.cfg.ISAs {
		var jobs []measure.Job
		for _, w := range checkWorkloads {
			space, err := schedules.SpaceFor(w, isa)
			if err != nil {
				return "", fmt.Errorf("self-check: %w", err)
			}
			jobs = append(jobs, measure.Job{Workload: w, Schedule: space.Start(), ISA: isa, Mode: kernels.Native,
				Protocol: measure.DefaultProtocol(), Seed: 1})
		}
		for _, j := range jobs { // a batch is of one workload
			results, err := s.cfg.Runner.Measure(ctx, []measure.Job{j})
			if err != nil {
				return "", fmt.Errorf("self-check: %w", err)
			}
			if r := results[0]; r.Status == measure.WorkerLost {
				return "", fmt.Errorf("self-check: %s", r.Message)
			} else if r.Status != measure.OK {
				return fmt.Sprintf("self-check: %v: %v: %s", j, r.Status, r.Message), nil
			}
		}
	}
	s.log.Info("self-check passed", "isas", s.cfg.ISAs)
	return "", nil
}
