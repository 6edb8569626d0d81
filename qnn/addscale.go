package qnn

// AddHeadroom is by how many bits ADD shifts its operands to the left before
// it scales them.
const AddHeadroom = 20

// AddMultipliers returns how ADD and SUB scale the operands a and b to a common
// scale, twice the larger of theirs, and the sum to the output y.
func AddMultipliers(a, b, y float32) (ma, mb, my Multiplier) {
	twice := 2 * max(float64(a), float64(b))
	return QuantizeMultiplier(float64(a) / twice), QuantizeMultiplier(float64(b) / twice),
		QuantizeMultiplier(twice / ((1 << AddHeadroom) * float64(y)))
}
