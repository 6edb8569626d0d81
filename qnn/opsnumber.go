package qnn

import "fmt"

// Operators on numbers, not quantised, that detection and pose networks put
// around the quantised part.
type (
	// Unary is a function of each element: of float32, ABS and NEG also of int32.
	Unary struct{ Function Function }
	// Pow is POW: x to the power of y, float32, with NumPy broadcasting.
	Pow struct{}
	// SquaredDifference is SQUARED_DIFFERENCE of float32 or int32 with NumPy
	// broadcasting.
	SquaredDifference struct{}
	// Compare is LESS, EQUAL or another comparison with NumPy broadcasting; the
	// result is bool. It compares float32, int32, int64 and the real values of 8-bit
	// tensors; EQUAL and NOT_EQUAL also bool.
	Compare struct{ Relation Relation }
	// Select is SELECT: inputs a bool condition and two tensors of one shape, of
	// whose elements it takes the first where the condition holds. The condition
	// has their shape, is a scalar, or has an element for each index of their
	// first dimension.
	Select struct{}
	// SelectV2 is SELECT_V2: Select with NumPy broadcasting of all three.
	SelectV2 struct{}
	// TopK is TOPK_V2: inputs x and a constant k. Outputs the k largest elements
	// of each row, the last dimension, largest first, and their indices (int32);
	// of equal ones the first comes first.
	TopK struct{}
)

// Function is the function of a Unary.
type Function uint8

// Functions. Rounding to the nearest integer takes the even one of two.
const (
	Abs Function = iota
	Neg
	Square
	Sqrt
	Rsqrt
	Exp
	Log
	Floor
	Ceil
	Round
)

var functionNames = []string{
	Abs: "ABS", Neg: "NEG", Square: "SQUARE", Sqrt: "SQRT", Rsqrt: "RSQRT", Exp: "EXP", Log: "LOG",
	Floor: "FLOOR", Ceil: "CEIL", Round: "ROUND",
}

// Relation is the relation of a Compare.
type Relation uint8

// Relations of the first operand to the second.
const (
	Less Relation = iota
	LessEqual
	Greater
	GreaterEqual
	Equal
	NotEqual
)

var relationNames = []string{
	Less: "LESS", LessEqual: "LESS_EQUAL", Greater: "GREATER", GreaterEqual: "GREATER_EQUAL",
	Equal: "EQUAL", NotEqual: "NOT_EQUAL",
}

// OpName returns for example "ABS".
func (u Unary) OpName() string { return enumName(functionNames, int(u.Function)) }

// OpName returns for example "LESS".
func (c Compare) OpName() string { return enumName(relationNames, int(c.Relation)) }

func (Pow) OpName() string               { return "POW" }
func (SquaredDifference) OpName() string { return "SQUARED_DIFFERENCE" }
func (Select) OpName() string            { return "SELECT" }
func (SelectV2) OpName() string          { return "SELECT_V2" }
func (TopK) OpName() string              { return "TOPK_V2" }

// ofNumbers wants all inputs and outputs to be of one type of the set.
func ofNumbers(set typeSet) rule {
	return orNumbers(set, func(g *Graph, n *Node) error { return fmt.Errorf("%s activations", g.Input(n, 0).Type) })
}

// reduces wants input 0 and the output to be of 8 bits, or both of float32, and
// constant axes.
func reduces(g *Graph, n *Node) error {
	set := eightBit
	if g.Input(n, 0).Type == Float32 {
		set = floats
	}
	return rules(alike(set, 0), constant(1))(g, n)
}

func supportsCompare(g *Graph, n *Node) error {
	a, b, y := g.Input(n, 0), g.Input(n, 1), g.Output(n, 0)
	set := eightBit | wideGlue
	if r := n.Op.(Compare).Relation; r == Equal || r == NotEqual {
		set |= types(Bool)
	}
	if !set.has(a.Type) || b.Type != a.Type || y.Type != Bool {
		return fmt.Errorf("%s and %s to %s", a.Type, b.Type, y.Type)
	}
	if a.Type.Is8Bit() {
		return perTensor(a, b)
	}
	return nil
}

func supportsSelect(g *Graph, n *Node) error {
	if c := g.Input(n, 0); c.Type != Bool {
		return fmt.Errorf("a condition of type %s", c.Type)
	}
	return alike(anySized, 1, 2)(g, n)
}

func selectShape(g *Graph, n *Node) (Shape, error) {
	c, x, y := g.Input(n, 0).Shape, g.Input(n, 1).Shape, g.Input(n, 2).Shape
	rows := len(c) == 1 && len(x) > 0 && c[0] == x[0]
	if !x.Equal(y) || len(c) > 0 && !rows && !c.Equal(x) {
		return nil, fmt.Errorf("condition %s, shapes %s and %s do not fit", c, x, y)
	}
	return x, nil
}

func selectV2Shape(g *Graph, n *Node) (Shape, error) {
	c, x, y := g.Input(n, 0).Shape, g.Input(n, 1).Shape, g.Input(n, 2).Shape
	if s, ok := Broadcast(x, y); ok {
		if s, ok := Broadcast(s, c); ok {
			return s, nil
		}
	}
	return nil, fmt.Errorf("condition %s, shapes %s and %s do not broadcast", c, x, y)
}

func supportsTopK(g *Graph, n *Node) error {
	x, y, indices := g.Input(n, 0), g.Output(n, 0), g.Output(n, 1)
	if !(eightBit | types(Float32, Int32)).has(x.Type) || y.Type != x.Type || indices.Type != Int32 {
		return fmt.Errorf("%s to %s and %s indices", x.Type, y.Type, indices.Type)
	}
	return constant(1)(g, n)
}

func topKShapes(g *Graph, n *Node) ([]Shape, error) {
	x := g.Input(n, 0).Shape
	k, err := g.constInts(n, 1)
	if err != nil {
		return nil, err
	}
	if len(x) == 0 || len(k) != 1 || k[0] < 1 || k[0] > x[len(x)-1] {
		return nil, fmt.Errorf("the %v largest of rows of %s", k, x)
	}
	s := append(Shape{}, x...)
	s[len(s)-1] = k[0]
	return []Shape{s, s}, nil
}
