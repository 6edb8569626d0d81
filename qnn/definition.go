package qnn

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// A definition is what the checks have to know of an operator.
type definition struct {
	inputs  arity
	outputs arity // the zero arity: one

	// support tells what stands in the way of computing a node whose tensors
	// exist; see CheckSupport. Its error is not the file's fault.
	support rule
	// shapes returns what the outputs' shapes must be. It may rely on support.
	shapes func(g *Graph, n *Node) ([]Shape, error)
	// numbers checks quantisation and options. It may rely on shapes.
	numbers rule
}

// A rule checks one aspect of a node.
type rule func(g *Graph, n *Node) error

// arity is the number of tensors that an operator takes; those beyond required
// are optional and may be NoTensor.
type arity struct{ required, most int }

// any number from the first on.
func atLeast(n int) arity { return arity{n, 1 << 30} }

// definitions of all operators, by name.
var definitions = map[string]definition{
	Conv2D{}.OpName():    {inputs: arity{2, 3}, support: supportsLayer, shapes: one(convShape), numbers: layerNumbers(0)},
	Depthwise{}.OpName(): {inputs: arity{2, 3}, support: supportsLayer, shapes: one(depthwiseShape), numbers: layerNumbers(3)},
	Dense{}.OpName():     {inputs: arity{2, 3}, support: supportsLayer, shapes: one(denseShape), numbers: layerNumbers(0)},
	TransposeConv{}.OpName(): {
		inputs: arity{3, 4}, support: supportsTransposeConv,
		shapes: one(transposeConvShape), numbers: transposeConvNumbers,
	},

	AveragePool{}.OpName():           {inputs: arity{1, 1}, support: alike(eightBit), shapes: one(poolShape), numbers: rules(activationValid, quantisedAlike)},
	MaxPool{}.OpName():               {inputs: arity{1, 1}, support: alike(eightBit), shapes: one(poolShape), numbers: rules(activationValid, quantisedAlike)},
	Softmax{}.OpName():               {inputs: arity{1, 1}, support: orNumbers(floats, alike(eightBit)), shapes: one(rowsShape), numbers: rules(betaFinite, quantised)},
	L2Norm{}.OpName():                {inputs: arity{1, 1}, support: orNumbers(floats, alike(eightBit)), shapes: one(rowsShape), numbers: l2normNumbers},
	Reduce{Kind: ReduceSum}.OpName(): {inputs: arity{2, 2}, support: reduces, shapes: one(reducedShape), numbers: quantised},
	Reduce{Kind: ReduceMax}.OpName(): {inputs: arity{2, 2}, support: reduces, shapes: one(reducedShape), numbers: quantised},
	Reduce{Kind: ReduceMin}.OpName(): {inputs: arity{2, 2}, support: reduces, shapes: one(reducedShape), numbers: quantised},
	Mean{}.OpName():                  {inputs: arity{2, 2}, support: reduces, shapes: one(reducedShape), numbers: quantised},
	ArgMax{}.OpName():                {inputs: arity{2, 2}, support: supportsArgBest, shapes: one(argBestShape)},
	ArgMin{}.OpName():                {inputs: arity{2, 2}, support: supportsArgBest, shapes: one(argBestShape)},
	ResizeBilinear{}.OpName(): {
		inputs: arity{2, 2}, support: rules(alike(eightBit|floats, 0), constant(1)), shapes: one(resizeShape), numbers: resizeNumbers,
	},
	ResizeNearest{}.OpName(): {
		inputs: arity{2, 2}, support: rules(alike(anySized, 0), constant(1)), shapes: one(resizeShape), numbers: resizeNumbers,
	},

	Add{}.OpName():                  {inputs: arity{2, 2}, support: orNumbers(wideGlue, alike(eightBit)), shapes: one(broadcastShape), numbers: rules(activationValid, quantised)},
	Sub{}.OpName():                  {inputs: arity{2, 2}, support: orNumbers(wideGlue, alike(eightBit)), shapes: one(broadcastShape), numbers: rules(activationValid, quantised)},
	Mul{}.OpName():                  {inputs: arity{2, 2}, support: orNumbers(wideGlue, alike(eightBit)), shapes: one(broadcastShape), numbers: rules(activationValid, quantised)},
	Div{}.OpName():                  {inputs: arity{2, 2}, support: orNumbers(glue, alike(types(Uint8))), shapes: one(broadcastShape), numbers: rules(activationValid, quantised)},
	Maximum{}.OpName():              {inputs: arity{2, 2}, support: orNumbers(wideGlue, alike(eightBit)), shapes: one(broadcastShape), numbers: quantised},
	Minimum{}.OpName():              {inputs: arity{2, 2}, support: orNumbers(wideGlue, alike(eightBit)), shapes: one(broadcastShape), numbers: quantised},
	PRelu{}.OpName():                {inputs: arity{2, 2}, support: orNumbers(floats, alike(eightBit)), shapes: one(broadcastShape), numbers: quantised},
	Clamp{Relu}.OpName():            {inputs: arity{1, 1}, support: orNumbers(floats, alike(eightBit)), shapes: one(sameShape), numbers: rules(activationValid, quantised)},
	Clamp{ReluN1To1}.OpName():       {inputs: arity{1, 1}, support: orNumbers(floats, alike(eightBit)), shapes: one(sameShape), numbers: rules(activationValid, quantised)},
	Clamp{Relu6}.OpName():           {inputs: arity{1, 1}, support: orNumbers(floats, alike(eightBit)), shapes: one(sameShape), numbers: rules(activationValid, quantised)},
	Logistic{}.OpName():             {inputs: arity{1, 1}, support: orNumbers(floats, alike(eightBit)), shapes: one(sameShape), numbers: quantised},
	Tanh{}.OpName():                 {inputs: arity{1, 1}, support: orNumbers(floats, alike(eightBit)), shapes: one(sameShape), numbers: quantised},
	HardSwish{}.OpName():            {inputs: arity{1, 1}, support: orNumbers(floats, alike(eightBit)), shapes: one(sameShape), numbers: hardSwishNumbers},
	LeakyRelu{}.OpName():            {inputs: arity{1, 1}, support: orNumbers(floats, alike(eightBit)), shapes: one(sameShape), numbers: leakyReluNumbers},
	Elu{}.OpName():                  {inputs: arity{1, 1}, support: supportsElu, shapes: one(sameShape), numbers: quantised},
	FloorDiv{}.OpName():             {inputs: arity{2, 2}, support: alike(glue), shapes: one(broadcastShape)},
	FloorMod{}.OpName():             {inputs: arity{2, 2}, support: alike(wideGlue), shapes: one(broadcastShape)},
	Quantize{}.OpName():             {inputs: arity{1, 1}, support: supportsQuantize, shapes: one(sameShape), numbers: quantizeNumbers},
	Dequantize{}.OpName():           {inputs: arity{1, 1}, support: supportsDequantize, shapes: one(sameShape), numbers: dequantizeNumbers},
	Table{}.OpName():                {inputs: arity{1, 1}, support: supportsTable, shapes: one(sameShape), numbers: quantised},
	Concat{}.OpName():               {inputs: atLeast(1), support: moved(), shapes: one(concatShape), numbers: concatNumbers},
	Reshape{}.OpName():              {inputs: arity{1, 2}, support: alike(anySized, 0), shapes: one(reshapeShape)},
	Squeeze{}.OpName():              {inputs: arity{1, 1}, support: alike(anySized), shapes: one(squeezeShape)},
	ExpandDims{}.OpName():           {inputs: arity{2, 2}, support: rules(alike(anySized, 0), constant(1)), shapes: one(expandDimsShape)},
	Pad{}.OpName():                  {inputs: arity{2, 2}, support: rules(moved(0), constant(1)), shapes: one(padShape), numbers: padNumbers},
	Slice{}.OpName():                {inputs: arity{3, 3}, support: rules(alike(anySized, 0), constant(1, 2)), shapes: one(sliceShape)},
	StridedSlice{}.OpName():         {inputs: arity{4, 4}, support: rules(alike(anySized, 0), constant(1, 2, 3)), shapes: one(stridedSliceShape)},
	Split{}.OpName():                {inputs: arity{2, 2}, outputs: atLeast(1), support: rules(alike(anySized, 1), constant(0)), shapes: splitShapes},
	SplitV{}.OpName():               {inputs: arity{3, 3}, outputs: atLeast(1), support: rules(alike(anySized, 0), constant(2)), shapes: splitVShapes},
	Pack{}.OpName():                 {inputs: atLeast(1), support: alike(anySized), shapes: one(packShape)},
	Unpack{}.OpName():               {inputs: arity{1, 1}, outputs: atLeast(1), support: alike(anySized), shapes: unpackShapes},
	Transpose{}.OpName():            {inputs: arity{2, 2}, support: rules(alike(anySized, 0), constant(1)), shapes: one(transposeShape)},
	SpaceToDepth{}.OpName():         {inputs: arity{1, 1}, support: alike(anySized), shapes: one(spaceToDepthShape)},
	DepthToSpace{}.OpName():         {inputs: arity{1, 1}, support: alike(anySized), shapes: one(depthToSpaceShape)},
	Gather{}.OpName():               {inputs: arity{2, 2}, support: supportsGather, shapes: one(gatherShape)},
	GatherND{}.OpName():             {inputs: arity{2, 2}, support: supportsGather, shapes: one(gatherNDShape)},
	SpaceToBatch{}.OpName():         {inputs: arity{3, 3}, support: rules(moved(0), constant(1, 2)), shapes: one(spaceToBatchShape), numbers: padNumbers},
	BatchToSpace{}.OpName():         {inputs: arity{3, 3}, support: rules(alike(anySized, 0), constant(1, 2)), shapes: one(batchToSpaceShape)},
	PadValue{}.OpName():             {inputs: arity{3, 3}, support: supportsPadValue, shapes: one(padShape), numbers: quantised},
	MirrorPad{}.OpName():            {inputs: arity{2, 2}, support: rules(alike(anySized, 0), constant(1)), shapes: one(mirrorPadShape)},
	Cast{}.OpName():                 {inputs: arity{1, 1}, support: supportsCast, shapes: one(sameShape)},
	DetectionPostProcess{}.OpName(): {inputs: arity{3, 3}, outputs: arity{4, 4}, support: supportsDetection, shapes: detectionShapes, numbers: detectionNumbers},
	ShapeOf{}.OpName():              {inputs: arity{1, 1}, support: supportsShapeOf, shapes: one(shapeOfShape)},

	Unary{Abs}.OpName():            {inputs: arity{1, 1}, support: ofNumbers(glue), shapes: one(sameShape)},
	Unary{Neg}.OpName():            {inputs: arity{1, 1}, support: ofNumbers(glue), shapes: one(sameShape)},
	Unary{Square}.OpName():         {inputs: arity{1, 1}, support: ofNumbers(floats), shapes: one(sameShape)},
	Unary{Sqrt}.OpName():           {inputs: arity{1, 1}, support: ofNumbers(floats), shapes: one(sameShape)},
	Unary{Rsqrt}.OpName():          {inputs: arity{1, 1}, support: ofNumbers(floats), shapes: one(sameShape)},
	Unary{Exp}.OpName():            {inputs: arity{1, 1}, support: ofNumbers(floats), shapes: one(sameShape)},
	Unary{Log}.OpName():            {inputs: arity{1, 1}, support: ofNumbers(floats), shapes: one(sameShape)},
	Unary{Floor}.OpName():          {inputs: arity{1, 1}, support: ofNumbers(floats), shapes: one(sameShape)},
	Unary{Ceil}.OpName():           {inputs: arity{1, 1}, support: ofNumbers(floats), shapes: one(sameShape)},
	Unary{Round}.OpName():          {inputs: arity{1, 1}, support: ofNumbers(floats), shapes: one(sameShape)},
	Compare{Less}.OpName():         {inputs: arity{2, 2}, support: supportsCompare, shapes: one(broadcastShape), numbers: compareNumbers},
	Compare{LessEqual}.OpName():    {inputs: arity{2, 2}, support: supportsCompare, shapes: one(broadcastShape), numbers: compareNumbers},
	Compare{Greater}.OpName():      {inputs: arity{2, 2}, support: supportsCompare, shapes: one(broadcastShape), numbers: compareNumbers},
	Compare{GreaterEqual}.OpName(): {inputs: arity{2, 2}, support: supportsCompare, shapes: one(broadcastShape), numbers: compareNumbers},
	Compare{Equal}.OpName():        {inputs: arity{2, 2}, support: supportsCompare, shapes: one(broadcastShape), numbers: compareNumbers},
	Compare{NotEqual}.OpName():     {inputs: arity{2, 2}, support: supportsCompare, shapes: one(broadcastShape), numbers: compareNumbers},
	Pow{}.OpName():                 {inputs: arity{2, 2}, support: ofNumbers(floats), shapes: one(broadcastShape)},
	SquaredDifference{}.OpName():   {inputs: arity{2, 2}, support: ofNumbers(glue), shapes: one(broadcastShape)},
	Select{}.OpName():              {inputs: arity{3, 3}, support: supportsSelect, shapes: one(selectShape)},
	SelectV2{}.OpName():            {inputs: arity{3, 3}, support: supportsSelect, shapes: one(selectV2Shape)},
	TopK{}.OpName():                {inputs: arity{2, 2}, outputs: arity{2, 2}, support: supportsTopK, shapes: topKShapes},
}

// definitionOf returns the definition of op; none of an Unsupported.
func definitionOf(op Op) (definition, bool) {
	if _, ok := op.(Unsupported); ok {
		return definition{}, false
	}
	d, ok := definitions[op.OpName()]
	if d.outputs == (arity{}) {
		d.outputs = arity{1, 1}
	}
	return d, ok
}

// rules checks all of rs, in order.
func rules(rs ...rule) rule {
	return func(g *Graph, n *Node) error {
		for _, r := range rs {
			if err := r(g, n); err != nil {
				return err
			}
		}
		return nil
	}
}

// one is the shapes of an operator with one output.
func one(shape func(g *Graph, n *Node) (Shape, error)) func(g *Graph, n *Node) ([]Shape, error) {
	return func(g *Graph, n *Node) ([]Shape, error) {
		s, err := shape(g, n)
		return []Shape{s}, err
	}
}

// check applies an optional rule.
func (r rule) check(g *Graph, n *Node) error {
	if r == nil {
		return nil
	}
	return r(g, n)
}

// checkOperands checks that the tensors of n exist, and are as many as its
// operator takes.
func (g *Graph) checkOperands(n *Node) error {
	for _, id := range n.Outputs {
		if !g.has(id) {
			return fmt.Errorf("output tensor %d of %d", id, len(g.Tensors))
		}
	}
	d, defined := definitionOf(n.Op)
	for i, id := range n.Inputs {
		optional := !defined || i >= d.inputs.required && d.inputs != atLeast(d.inputs.required)
		if !g.has(id) && !(optional && id == NoTensor) {
			return fmt.Errorf("input %d is tensor %d of %d", i, id, len(g.Tensors))
		}
	}
	if !defined {
		if n.Residual != nil {
			return g.checkResidualOperands(n)
		}
		return nil
	}
	inputs := len(n.Inputs)
	if n.Residual != nil {
		if err := g.checkResidualOperands(n); err != nil {
			return err
		}
		inputs--
	}
	return cmp.Or(d.inputs.check(inputs, "inputs"), d.outputs.check(len(n.Outputs), "outputs"))
}

func (a arity) check(n int, what string) error {
	switch {
	case n >= a.required && n <= a.most:
		return nil
	case a == arity{1, 1} && what == "outputs":
		return fmt.Errorf("%d outputs, want 1", n)
	}
	return fmt.Errorf("%d %s, want %d to %d", n, what, a.required, a.most)
}

// Operators lists the names of all operators that are defined, sorted.
func Operators() []string { return slices.Sorted(maps.Keys(definitions)) }
