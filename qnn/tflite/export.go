package tflite

import (
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"

	"qtune/qnn"
	"qtune/qnn/tflite/fb"
)

// Export writes a file that Import reads back as an equal graph, and that
// TensorFlow Lite can load. The graph must be valid, hold no Unsupported
// operator or Table and not be legalised: the file format has no words for
// those. What else passes fused into convolutions is written as the operators
// that it was; see unfuse.
func Export(g *qnn.Graph) ([]byte, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	w := &writer{b: flatbuffers.NewBuilder(sizeHint(g)), g: unfuse(g), codes: map[opcode]int{}}
	operators, err := w.operators()
	if err != nil {
		return nil, err
	}
	tensors, buffers, err := w.tensors()
	if err != nil {
		return nil, err
	}
	w.finish(operators, tensors, buffers)
	return w.b.FinishedBytes(), nil
}

// sizeHint is about how long the file will be: a builder that has to grow moves
// all it has.
func sizeHint(g *qnn.Graph) int {
	size := 1 << 16
	for i := range g.Tensors {
		t := &g.Tensors[i]
		size += 256 + len(t.Name) + 12*len(t.Quant.Scale) + len(t.Data)
	}
	return size
}

// opcode is an entry of the file's list of operators.
type opcode struct {
	code, version int32
	custom        string // name, "" for builtin operators
}

type writer struct {
	b        *flatbuffers.Builder
	g        *qnn.Graph
	codes    map[opcode]int // index in codeList
	codeList []opcode
}

func (w *writer) operators() ([]flatbuffers.UOffsetT, error) {
	var out []flatbuffers.UOffsetT
	for i := range w.g.Nodes {
		n := &w.g.Nodes[i]
		def, ok := builtins[n.Op.OpName()]
		switch _, unsupported := n.Op.(qnn.Unsupported); {
		case unsupported:
			return nil, fmt.Errorf("%s: an operator that is not supported cannot be written", w.g.Label(n))
		case !ok:
			return nil, fmt.Errorf("%s: the file format has no such operator", w.g.Label(n))
		case n.FromInt8:
			return nil, fmt.Errorf("%s: a legalised operator cannot be written", w.g.Label(n))
		}
		out = append(out, w.operator(def, n))
	}
	return out, nil
}

func (w *writer) operator(def builtin, n *qnn.Node) flatbuffers.UOffsetT {
	b := w.b
	name := ""
	if def.code == customCode {
		name = n.Op.OpName()
	}
	code := w.code(opcode{def.code, w.version(def, n), name})
	inputs, outputs := ints(b, n.Inputs), ints(b, n.Outputs)
	var options flatbuffers.UOffsetT
	if def.write != nil {
		options = def.write(b, w.g, n)
	} else if def.options != fb.BuiltinOptionsNONE {
		b.StartObject(0)
		options = b.EndObject()
	}
	var custom flatbuffers.UOffsetT
	if c := customOptions(n.Op); c != nil {
		custom = b.CreateByteVector(c)
	}
	fb.OperatorStart(b)
	fb.OperatorAddOpcodeIndex(b, uint32(code))
	fb.OperatorAddInputs(b, inputs)
	fb.OperatorAddOutputs(b, outputs)
	if options != 0 {
		fb.OperatorAddBuiltinOptionsType(b, def.options)
		fb.OperatorAddBuiltinOptions(b, options)
	}
	if custom != 0 {
		fb.OperatorAddCustomOptions(b, custom)
	}
	return fb.OperatorEnd(b)
}

// code returns the index of c in the list of operator codes.
func (w *writer) code(c opcode) int {
	i, ok := w.codes[c]
	if !ok {
		i = len(w.codeList)
		w.codes[c] = i
		w.codeList = append(w.codeList, c)
	}
	return i
}

// tensors writes all tensors, and the buffers of the constant ones after
// buffer 0, which stays empty.
func (w *writer) tensors() (tensors, buffers []flatbuffers.UOffsetT, err error) {
	fb.BufferStart(w.b)
	buffers = append(buffers, fb.BufferEnd(w.b))
	for i := range w.g.Tensors {
		t := &w.g.Tensors[i]
		number, ok := typeNumber(t.Type)
		if !ok {
			return nil, nil, fmt.Errorf("tensor %d %q: type %s cannot be written", i, t.Name, t.Type)
		}
		buffer := 0
		if t.IsConst() {
			buffer = len(buffers)
			buffers = append(buffers, w.buffer(t.Data))
		}
		tensors = append(tensors, w.tensor(t, number, buffer))
	}
	return tensors, buffers, nil
}

func typeNumber(d qnn.DType) (int8, bool) {
	for number, t := range dtypes {
		if t == d {
			return number, true
		}
	}
	return 0, false
}

func (w *writer) tensor(t *qnn.Tensor, number int8, buffer int) flatbuffers.UOffsetT {
	b := w.b
	name := b.CreateString(t.Name)
	shape := ints(b, t.Shape)
	quant := w.quant(t.Quant)
	fb.TensorStart(b)
	fb.TensorAddShape(b, shape)
	fb.TensorAddType(b, number)
	fb.TensorAddBuffer(b, uint32(buffer))
	fb.TensorAddName(b, name)
	if quant != 0 {
		fb.TensorAddQuantization(b, quant)
	}
	return fb.TensorEnd(b)
}

// quant writes the quantisation, or returns 0 where there is none.
func (w *writer) quant(q qnn.Quant) flatbuffers.UOffsetT {
	if len(q.Scale) == 0 {
		return 0
	}
	b := w.b
	fb.QuantizationParametersStartScaleVector(b, len(q.Scale))
	for i := len(q.Scale) - 1; i >= 0; i-- {
		b.PrependFloat32(q.Scale[i])
	}
	scale := b.EndVector(len(q.Scale))
	fb.QuantizationParametersStartZeroPointVector(b, len(q.Zero))
	for i := len(q.Zero) - 1; i >= 0; i-- {
		b.PrependInt64(int64(q.Zero[i]))
	}
	zero := b.EndVector(len(q.Zero))
	fb.QuantizationParametersStart(b)
	fb.QuantizationParametersAddScale(b, scale)
	fb.QuantizationParametersAddZeroPoint(b, zero)
	fb.QuantizationParametersAddQuantizedDimension(b, int32(q.Axis))
	return fb.QuantizationParametersEnd(b)
}

// buffer writes data so that it starts at a multiple of 16 bytes, as the
// schema's force_align demands; flatc's Go code does not do it.
func (w *writer) buffer(data []byte) flatbuffers.UOffsetT {
	w.b.Prep(16, len(data))
	v := w.b.CreateByteVector(data)
	fb.BufferStart(w.b)
	fb.BufferAddData(w.b, v)
	return fb.BufferEnd(w.b)
}

func (w *writer) finish(operators, tensors, buffers []flatbuffers.UOffsetT) {
	b := w.b
	codes := make([]flatbuffers.UOffsetT, len(w.codeList))
	for i, c := range w.codeList {
		var name flatbuffers.UOffsetT
		if c.custom != "" {
			name = b.CreateString(c.custom)
		}
		fb.OperatorCodeStart(b)
		if name != 0 {
			fb.OperatorCodeAddCustomCode(b, name)
		}
		fb.OperatorCodeAddDeprecatedBuiltinCode(b, int8(min(c.code, 127)))
		fb.OperatorCodeAddVersion(b, c.version)
		fb.OperatorCodeAddBuiltinCode(b, c.code)
		codes[i] = fb.OperatorCodeEnd(b)
	}
	name := b.CreateString(w.g.Name)
	inputs, outputs := ints(b, w.g.Inputs), ints(b, w.g.Outputs)
	tensorVec, operatorVec := b.CreateVectorOfTables(tensors), b.CreateVectorOfTables(operators)
	fb.SubGraphStart(b)
	fb.SubGraphAddTensors(b, tensorVec)
	fb.SubGraphAddInputs(b, inputs)
	fb.SubGraphAddOutputs(b, outputs)
	fb.SubGraphAddOperators(b, operatorVec)
	fb.SubGraphAddName(b, name)
	subgraphs := b.CreateVectorOfTables([]flatbuffers.UOffsetT{fb.SubGraphEnd(b)})
	codeVec, bufferVec := b.CreateVectorOfTables(codes), b.CreateVectorOfTables(buffers)
	fb.ModelStart(b)
	fb.ModelAddVersion(b, schemaVersion)
	fb.ModelAddOperatorCodes(b, codeVec)
	fb.ModelAddSubgraphs(b, subgraphs)
	fb.ModelAddBuffers(b, bufferVec)
	b.FinishWithFileIdentifier(fb.ModelEnd(b), []byte(identifier))
}

// ints writes a vector of int32.
func ints[T ~int](b *flatbuffers.Builder, v []T) flatbuffers.UOffsetT {
	b.StartVector(4, len(v), 4)
	for i := len(v) - 1; i >= 0; i-- {
		b.PrependInt32(int32(v[i]))
	}
	return b.EndVector(len(v))
}
