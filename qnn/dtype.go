package qnn

import (
	"fmt"
	"math"
	"slices"
)

// DType is the type of a tensor's elements.
type DType uint8

// Element types. The text form is TensorFlow Lite's name in lower case.
const (
	InvalidType DType = iota
	Float32
	Float16
	Int32
	Uint8
	Int64
	String
	Bool
	Int16
	Int8
	Int4
)

var dtypeNames = []string{
	InvalidType: "invalid",
	Float32:     "float32",
	Float16:     "float16",
	Int32:       "int32",
	Uint8:       "uint8",
	Int64:       "int64",
	String:      "string",
	Bool:        "bool",
	Int16:       "int16",
	Int8:        "int8",
	Int4:        "int4",
}

// String returns the type's name, such as "uint8".
func (d DType) String() string { return enumName(dtypeNames, int(d)) }

// ParseDType is the inverse of String.
func ParseDType(s string) (DType, error) {
	if i := slices.Index(dtypeNames, s); i > 0 {
		return DType(i), nil
	}
	return InvalidType, fmt.Errorf("unknown element type %q", s)
}

// Size returns the bytes of one element, or 0 where elements have no size of
// their own (strings, packed int4).
func (d DType) Size() int {
	switch d {
	case Uint8, Int8, Bool:
		return 1
	case Int16, Float16:
		return 2
	case Int32, Float32:
		return 4
	case Int64:
		return 8
	}
	return 0
}

// Is8Bit tells whether d is one of the two types of quantised activations.
func (d DType) Is8Bit() bool { return d == Uint8 || d == Int8 }

// Limits returns the least and the greatest value of a type that quantised
// values may have: of 8 bits, int16 or int32.
func (d DType) Limits() (lo, hi int32) {
	switch d {
	case Int8:
		return math.MinInt8, math.MaxInt8
	case Int16:
		return math.MinInt16, math.MaxInt16
	case Int32:
		return math.MinInt32, math.MaxInt32
	}
	return 0, math.MaxUint8
}

// enumName returns names[i], or a text that shows a value outside the table.
func enumName(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%d?", i)
}
