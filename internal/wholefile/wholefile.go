// Package wholefile writes files that are there completely or not at all.
package wholefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Write writes a file under another name first: at path there is nothing, or what
// was there before, until all of it is written and on the disk.
func Write(path string, mode fs.FileMode, write func(io.Writer) error) error {
	if old, err := os.Stat(path); err == nil && !old.Mode().IsRegular() {
		return fmt.Errorf("%s: not a regular file", path)
	}
	return place(path, mode, write, os.Rename)
}

// Create is Write for a file that must not be there yet: otherwise the error is
// fs.ErrExist. Of several that create one file at the same time, one does.
func Create(path string, mode fs.FileMode, write func(io.Writer) error) error {
	return place(path, mode, write, func(from, to string) error {
		if err := os.Link(from, to); err != nil {
			return err
		}
		os.Remove(from) // a spare name at worst
		return nil
	})
}

// place writes a file and puts it where it belongs.
func place(path string, mode fs.FileMode, write func(io.Writer) error, move func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("%s: %w", path, cause(err))
	}
	err = write(f)
	if err == nil {
		err = cause(errors.Join(f.Chmod(mode), f.Sync(), f.Close()))
	} else {
		f.Close() // its own error would hide the first
	}
	if err == nil {
		err = cause(move(f.Name(), path))
	}
	if err != nil {
		os.Remove(f.Name()) // idem
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// cause is an error without the name of the other file.
func cause(err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.As(err, &l):
		return l.Err
	}
	return err
}
