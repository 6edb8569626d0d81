package logs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fullDisk is the environment variable that makes this test binary fill a small
// file system, mounted at the folder it names.
const fullDisk = "QTUNE_TEST_FULL_DISK"

// A full disk is an error in one line; what was stored stays, and once there is
// room the same log goes on.
func TestDiskFull(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run", "TestFillDisk", "-test.v")
	cmd.Env = append(os.Environ(), fullDisk+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{ // a file system of its own needs no rights
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Skip("no user namespace:", err)
	case strings.Contains(string(out), "SKIP"):
		t.Skip(string(out))
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	}
}

func TestFillDisk(t *testing.T) {
	dir := os.Getenv(fullDisk)
	if dir == "" {
		t.Skip("part of TestDiskFull")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("cannot mount:", err)
	}
	path := filepath.Join(dir, "tune.db")
	l := open(t, path, Options{})
	stored := 0
	var full error
	for i := 0; full == nil; i += 50 {
		var trials []Trial
		for k := range 50 {
			trials = append(trials, trial(convA, zen4, i+k+1, float64(i+k+1)))
		}
		if full = l.Append(t.Context(), trials); full == nil {
			stored += len(trials)
		}
		if i > 100_000 {
			t.Fatal("the disk is never full")
		}
	}
	checkOneLine(t, full, path)
	if !strings.Contains(full.Error(), "full") || stored == 0 {
		t.Errorf("%d stored, then %v", stored, full)
	}
	if got := len(allTrials(t, l)); got != stored {
		t.Errorf("%d of %d are left", got, stored)
	}
	if found, err := l.Verify(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("verify: %v, %v", found, err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	add(t, l, trial(fc, zen4, 1, 1))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := len(allTrials(t, open(t, path, Options{ReadOnly: true}))); got != stored+1 {
		t.Errorf("%d of %d are left", got, stored+1)
	}
	fmt.Println(stored, "trials stored, then:", full)
}
