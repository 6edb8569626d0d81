//go:build !linux

package pack

func advise([]byte) {}
