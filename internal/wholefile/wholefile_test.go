package wholefile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func TestFilesAreWholeOrAsBefore(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	holds := func(want string) {
		t.Helper()
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("holds %q, %v; want %q", got, err, want)
		}
		if names, _ := os.ReadDir(dir); len(names) != 1 {
			t.Errorf("the folder holds %v", names)
		}
	}
	if err := Create(path, 0o600, text("one")); err != nil {
		t.Fatal(err)
	}
	holds("one")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := Create(path, 0o600, text("two")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created twice: %v", err)
	}
	holds("one")
	if err := Write(path, 0o644, text("two")); err != nil {
		t.Fatal(err)
	}
	holds("two")
	broken := errors.New("broken")
	err := Write(path, 0o644, func(w io.Writer) error { return errors.Join(text("thr")(w), broken) })
	if !errors.Is(err, broken) {
		t.Errorf("a failure is %v", err)
	}
	holds("two")
}

func TestErrorsNameTheFile(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "absent", "file")} {
		for _, write := range []func(string, fs.FileMode, func(io.Writer) error) error{Write, Create} {
			err := write(path, 0o644, text("x"))
			if err == nil || !strings.HasPrefix(err.Error(), path+": ") || strings.Contains(err.Error(), "/.") {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}
