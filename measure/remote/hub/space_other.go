//go:build !linux && !darwin && !freebsd

package hub

import "errors"

// freeBytes is not known on systems without statfs.
func freeBytes(string) (int64, error) { return 0, errors.ErrUnsupported }
