//go:build !unix

package service

import "os"

// lockStore has no lock to take here: whoever starts two services on one store
// has each job run twice.
func lockStore(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
