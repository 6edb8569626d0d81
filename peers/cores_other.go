//go:build !linux

package main

import "errors"

// firstCore fails: nothing here can be compared without pinning.
func firstCore(int) (int, error) { return 0, errors.New("no pinning on this operating system") }

func pin(int) error { return errors.New("no pinning on this operating system") }
