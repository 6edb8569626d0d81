package logs

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// asNobody runs f without the right to write what root owns.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	const nobody = 65534
	runtime.LockOSThread() // file rights are the thread's
	defer runtime.UnlockOSThread()
	set := func(uid uintptr) { syscall.RawSyscall(syscall.SYS_SETFSUID, uid, 0, 0) }
	set(nobody)
	defer set(0)
	f()
}

func TestReadOnlyFolder(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tune.db")
	l := open(t, path, Options{})
	add(t, l, trial(convA, zen4, 1, 1))
	l.Close()
	if err := os.Remove(path + ".lock"); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{filepath.Dir(dir): 0o755, dir: 0o555, path: 0o444} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	defer os.Chmod(dir, 0o755) // so that it can be removed
	asNobody(t, func() {
		if f, err := os.Create(filepath.Join(dir, "probe")); err == nil {
			f.Close()
			t.Skip("the folder can be written all the same")
		}
		l := open(t, path, Options{ReadOnly: true})
		if got := allTrials(t, l); len(got) != 1 {
			t.Errorf("%d trials", len(got))
		}
		l.Close()
		_, err := Open(path, Options{})
		checkOneLine(t, err, path)
		if err != nil && !strings.Contains(err.Error(), "permission denied") {
			t.Error(err)
		}
		_, err = Open(filepath.Join(dir, "new.db"), Options{})
		checkOneLine(t, err, "new.db")
	})
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		_, err := Open(path, Options{ReadOnly: true})
		checkOneLine(t, err, path)
		if err != nil && !strings.Contains(err.Error(), "permission denied") {
			t.Error(err)
		}
	})
}

// Changes that wait in a -wal file are not silently left out.
func TestReadOnlyFolderWithWAL(t *testing.T) {
	dir := t.TempDir()
	l := open(t, filepath.Join(dir, "tune.db"), Options{})
	add(t, l, trial(convA, zen4, 1, 1))
	sub := filepath.Join(dir, "copy")
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(filepath.Join(dir, "tune.db"+suffix))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sub, "tune.db"+suffix), data, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{filepath.Dir(dir): 0o755, dir: 0o755, sub: 0o555} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	defer os.Chmod(sub, 0o755)
	path := filepath.Join(sub, "tune.db")
	asNobody(t, func() {
		l, err := Open(path, Options{ReadOnly: true})
		if err != nil {
			checkOneLine(t, err, path)
			return
		}
		defer l.Close()
		if got := allTrials(t, l); len(got) != 1 {
			t.Errorf("%d trials, want the one in the -wal file or an error", len(got))
		}
	})
}
