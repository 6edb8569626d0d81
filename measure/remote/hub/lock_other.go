//go:build !unix

package hub

// lock does nothing on systems without flock.
func lock(string) (release func(), err error) { return func() {}, nil }
