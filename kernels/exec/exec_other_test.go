//go:build !linux || !amd64

package exec

import (
	"errors"
	"testing"
)

func TestUnsupported(t *testing.T) {
	if _, err := Map([]byte{0xc3}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("Map: %v", err)
	}
	if s := Supported(); len(s) > 0 {
		t.Errorf("Supported: %v", s)
	}
}
