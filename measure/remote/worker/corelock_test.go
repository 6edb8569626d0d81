//go:build unix

package worker

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qtune/measure/sim"
)

func TestACoreIsForOneWorker(t *testing.T) {
	dir := hostTemp(t)
	locks, err := lockCores([]int{1, 3})
	if err != nil {
		t.Fatal(err)
	}
	_, err = lockCores([]int{2, 3})
	if err == nil || !strings.HasPrefix(err.Error(), "core 3: another worker measures on it") {
		t.Errorf("a core that is taken: %v", err)
	}
	more, err := lockCores([]int{2}) // was not kept
	if err != nil {
		t.Fatal(err)
	}
	more.release()
	// A worker says so at once, hub or not.
	w := start(t, "nats://127.0.0.1:1", Config{Runner: sim.New(sim.Config{}), Cores: []int{3}}, nil)
	err = <-w.done
	w.done <- nil
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "qtune-core-3.lock")) {
		t.Errorf("the worker ended with: %v", err)
	}
	locks.release()
	if locks, err = lockCores([]int{1, 3}); err != nil {
		t.Fatal(err)
	}
	locks.release()
}

// Files of other users can only be read, which is enough.
func TestLocksOfOthersAreReadable(t *testing.T) {
	dir := hostTemp(t)
	path := filepath.Join(dir, "qtune-core-1.lock")
	if err := os.WriteFile(path, nil, 0o444); err != nil {
		t.Fatal(err)
	}
	locks, err := lockCores([]int{1})
	if err != nil {
		t.Fatal(err)
	}
	locks.release()
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := lockCores([]int{1}); err == nil && os.Getuid() != 0 || err != nil && !errors.Is(err, os.ErrPermission) {
		t.Errorf("a file that cannot be read: %v", err)
	}
}

func TestWhatIsNoLockIsRefused(t *testing.T) {
	dir := hostTemp(t)
	if err := os.Symlink(filepath.Join(dir, "victim"), filepath.Join(dir, "qtune-core-1.lock")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "qtune-core-2.lock"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, core := range []int{1, 2} {
		if _, err := lockCores([]int{core}); err == nil {
			t.Errorf("core %d: locked", core)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "victim")); err == nil {
		t.Error("a file was made through a link")
	}
}
