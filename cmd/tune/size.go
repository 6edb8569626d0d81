package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// A byteSize is a flag for a number of bytes, such as 32GiB.
type byteSize int64

var sizeUnits = []struct {
	name  string
	bytes int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// String returns the size in its largest unit that divides it.
func (s *byteSize) String() string {
	for _, u := range sizeUnits {
		if n := int64(*s); n != 0 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}

// Set takes a whole number above 0 of bytes, or of a unit.
func (s *byteSize) Set(text string) error {
	unit := int64(1)
	for _, u := range sizeUnits {
		if number, ok := strings.CutSuffix(text, u.name); ok {
			text, unit = number, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt64/unit {
		return errors.New("want a size such as 32GiB (or KiB, MiB, TiB, or bytes)")
	}
	*s = byteSize(n * unit)
	return nil
}

// Type names the kind of value in the help.
func (s *byteSize) Type() string { return "size" }
