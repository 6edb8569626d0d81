//go:build !linux

package module

import "runtime"

// yieldThread lets another thread have the core.
func yieldThread() { runtime.Gosched() }
