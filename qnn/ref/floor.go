package ref

import (
	"fmt"
	"math"

	"qtune/qnn"
)

// floorFloats computes FLOOR_DIV or FLOOR_MOD, whose remainder has the divisor's
// sign.
func floorFloats(op qnn.Op, a, b float32) (float32, error) {
	if b == 0 {
		return 0, fmt.Errorf("division by zero")
	}
	if _, ok := op.(qnn.FloorDiv); ok {
		return float32(math.Floor(float64(float32(a / b)))), nil
	}
	r := float32(math.Mod(float64(a), float64(b)))
	if r != 0 && (r < 0) != (b < 0) {
		r = float32(r + b)
	}
	return r, nil
}

func floorInts[T int32 | int64](op qnn.Op, a, b T) (T, error) {
	if b == 0 {
		return 0, fmt.Errorf("division by zero")
	}
	q, r := a/b, a%b
	if r != 0 && (r < 0) != (b < 0) {
		q, r = q-1, r+b
	}
	if _, ok := op.(qnn.FloorDiv); ok {
		return q, nil
	}
	return r, nil
}
