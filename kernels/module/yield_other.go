//go:build !linux

package module

func yieldBriefly() {}

func yieldLong() {}
