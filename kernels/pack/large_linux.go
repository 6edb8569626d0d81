package pack

import "golang.org/x/sys/unix"

// advise asks for huge pages; b starts at one. It is advice: without them all is
// as it was, only slower.
func advise(b []byte) { _ = unix.Madvise(b, unix.MADV_HUGEPAGE) }
