//go:build linux || darwin || freebsd

package hub

import "golang.org/x/sys/unix"

// freeBytes is what a process without privileges can still write to dir's file
// system.
func freeBytes(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
