//go:build unix

package worker

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"qtune/measure/remote"
	"qtune/schedules"
)

// A process that is really stopped in the middle of a batch, and wakes when another
// has answered, says nothing.
func TestStoppedProcess(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, shortLease, schedules.AVX2)
	beats, err := u.nc.SubscribeSync(remote.BeatSubject(u.name, "frozen"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), urlEnv+"="+h.url())
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() // it was killed
	})
	u.put(u.batch("b", schedules.AVX2, 2))
	if _, err := beats.NextMsg(patience); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	start(t, h.url(), Config{Runner: fakeRunner{measure: measured}}, nil)
	if a := u.answer(); a.Worker.Name != "worker-1" || a.Attempt < 2 {
		t.Errorf("answer by %s, attempt %d", a.Worker.Name, a.Attempt)
	}
	u.finished()
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it knows what it lost", func() bool {
		s := u.status("frozen")
		return s != nil && s.Lost > 0
	})
	if n := u.published(); n != 1 {
		t.Errorf("%d answers were published, want that of the other worker", n)
	}
}
