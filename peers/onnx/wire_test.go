package onnx

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// fields are the fields of a message by number: bytes, or an integer of any wire
// type.
type fields map[protowire.Number][]field

type field struct {
	bytes   []byte
	integer uint64
}

func parse(t *testing.T, b []byte) fields {
	t.Helper()
	all := fields{}
	for len(b) > 0 {
		number, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		b = b[n:]
		var f field
		switch typ {
		case protowire.VarintType:
			f.integer, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.integer = uint64(v)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			t.Fatalf("field %d has wire type %d", number, typ)
		}
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		all[number] = append(all[number], f)
		b = b[n:]
	}
	return all
}

func (f fields) texts(number protowire.Number) string {
	var all []string
	for _, v := range f[number] {
		all = append(all, string(v.bytes))
	}
	return strings.Join(all, ",")
}

func (f fields) integers(number protowire.Number) []int64 {
	var all []int64
	for _, v := range f[number] {
		all = append(all, int64(v.integer))
	}
	return all
}

func marshal(t *testing.T, m *Model) (model, graph fields) {
	t.Helper()
	b, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	model = parse(t, b)
	if len(model[7]) != 1 {
		t.Fatalf("%d graphs", len(model[7]))
	}
	return model, parse(t, model[7][0].bytes)
}

// The numbers are those of onnx.proto3.
func TestModel(t *testing.T) {
	model, graph := marshal(t, &Model{
		Name:         "net",
		Inputs:       []Value{{"x", Uint8, []int{1, 3, 8, 9}}},
		Outputs:      []Value{{"y", Float32, []int{1, 1001}}},
		Initializers: []Tensor{{"w", Int8, []int{2, 2}, []byte{1, 2, 3, 255}}, {Name: "s", Type: Float32, Data: []byte{0, 0, 0, 1}}},
	})
	if v := model.integers(1); !slices.Equal(v, []int64{8}) {
		t.Errorf("IR version %v", v)
	}
	var sets []string
	for _, f := range model[8] {
		set := parse(t, f.bytes)
		sets = append(sets, set.texts(1))
		if len(set[2]) != 1 || set[2][0].integer == 0 {
			t.Errorf("operator set %q has version %v", set.texts(1), set.integers(2))
		}
	}
	if !slices.Equal(sets, []string{"", "com.microsoft"}) {
		t.Errorf("operator sets %q", sets)
	}
	if graph.texts(2) != "net" {
		t.Errorf("the graph is called %q", graph.texts(2))
	}
	for number, want := range map[protowire.Number]struct {
		name  string
		typ   int64
		shape []int64
	}{11: {"x", 2, []int64{1, 3, 8, 9}}, 12: {"y", 1, []int64{1, 1001}}} {
		value := parse(t, graph[number][0].bytes)
		tensor := parse(t, parse(t, value[2][0].bytes)[1][0].bytes)
		var shape []int64
		for _, d := range parse(t, tensor[2][0].bytes)[1] {
			shape = append(shape, parse(t, d.bytes).integers(1)...)
		}
		if value.texts(1) != want.name || !slices.Equal(tensor.integers(1), []int64{want.typ}) || !slices.Equal(shape, want.shape) {
			t.Errorf("value %q of type %v and shape %v, want %v", value.texts(1), tensor.integers(1), shape, want)
		}
	}
	w := parse(t, graph[5][0].bytes)
	if !slices.Equal(w.integers(1), []int64{2, 2}) || !slices.Equal(w.integers(2), []int64{3}) || w.texts(8) != "w" || !bytes.Equal(w[9][0].bytes, []byte{1, 2, 3, 255}) {
		t.Errorf("tensor %v", w)
	}
	if scalar := parse(t, graph[5][1].bytes); len(scalar[1]) != 0 {
		t.Errorf("a scalar with dimensions %v", scalar.integers(1))
	}
}

func TestNode(t *testing.T) {
	_, graph := marshal(t, &Model{Nodes: []Node{{
		Name: "add", Op: "QLinearAdd", Domain: Microsoft, Inputs: []string{"a", "", "b"}, Outputs: []string{"y"},
		Attributes: []Attribute{{"pads", []int64{0, 1, -1}}, {"axis", int64(-1)}, {"alpha", float32(0.5)}},
	}}})
	n := parse(t, graph[1][0].bytes)
	if n.texts(1) != "a,,b" || n.texts(2) != "y" || n.texts(3) != "add" || n.texts(4) != "QLinearAdd" || n.texts(7) != "com.microsoft" {
		t.Errorf("node %v", n)
	}
	for i, want := range []struct {
		name   string
		number protowire.Number
		values []int64
		typ    int64 // AttributeProto.AttributeType
	}{
		{"pads", 8, []int64{0, 1, -1}, 7},
		{"axis", 3, []int64{-1}, 2},
		{"alpha", 2, []int64{int64(math.Float32bits(0.5))}, 1},
	} {
		a := parse(t, n[5][i].bytes)
		if a.texts(1) != want.name || !slices.Equal(a.integers(want.number), want.values) || !slices.Equal(a.integers(20), []int64{want.typ}) {
			t.Errorf("attribute %v, want %v", a, want)
		}
	}
}

func TestUnknownAttribute(t *testing.T) {
	m := Model{Name: "net", Nodes: []Node{{Name: "n", Attributes: []Attribute{{"mode", "text"}}}}}
	if _, err := m.Marshal(); err == nil || err.Error() != "onnx: net: n: attribute mode has a value of type string" {
		t.Errorf("error %v", err)
	}
}
