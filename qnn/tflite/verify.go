package tflite

import (
	"encoding/binary"
	"fmt"
	"math"
)

// identifier is the file identifier, at offset 4.
const identifier = "TFL3"

// verify checks every table, vector and string that the accessors can reach
// from the root of file: afterwards no offset leads outside of it.
//
// A FlatBuffer is a graph of tables. A table at p starts with a signed distance
// back to its vtable, which holds two sizes and for each field id an offset
// from p; a field that is a table, vector or string holds in turn an unsigned
// distance forward. So positions only grow on every path and cycles cannot be;
// but several paths may share a table, which the budgets bound.
func verify(file []byte) error {
	if len(file) < 8 || string(file[4:8]) != identifier {
		return fmt.Errorf("not a TensorFlow Lite model (%s, want identifier %q)", describeHead(file), identifier)
	}
	if len(file) > math.MaxInt32 {
		return fmt.Errorf("a file of %d bytes is too large", len(file))
	}
	v := &verifier{
		file:   file,
		tables: len(file) / 4, // each reference takes 4 bytes
		bytes:  4*len(file) + 1<<16,
	}
	root, err := v.follow(0)
	if err == nil {
		err = v.table(root, modelLayout)
	}
	if err != nil {
		return fmt.Errorf("damaged TensorFlow Lite model: model%w", err)
	}
	return nil
}

func describeHead(file []byte) string {
	if len(file) < 8 {
		return fmt.Sprintf("%d bytes", len(file))
	}
	return fmt.Sprintf("identifier %q", file[4:8])
}

// verifier walks the file. Its errors begin with the path below the caller's
// table, such as `.subgraphs[0].name: ...`.
type verifier struct {
	file          []byte
	tables, bytes int // what may still be visited, of tables and of vectors
}

// span returns the n bytes at pos.
func (v *verifier) span(pos, n int) ([]byte, error) {
	if pos < 0 || n < 0 || pos > len(v.file) || n > len(v.file)-pos {
		return nil, fmt.Errorf(": %d bytes at %#x reach beyond the end at %#x", n, pos, len(v.file))
	}
	return v.file[pos : pos+n], nil
}

// follow returns the position that the reference at pos leads to.
func (v *verifier) follow(pos int) (int, error) {
	b, err := v.span(pos, 4)
	if err != nil {
		return 0, err
	}
	to := pos + int(binary.LittleEndian.Uint32(b))
	_, err = v.span(to, 4)
	return to, err
}

func (v *verifier) table(pos int, l *layout) error {
	if v.tables--; v.tables < 0 {
		return fmt.Errorf(": more tables than the file has room for")
	}
	vtable, size, err := v.vtable(pos)
	if err != nil {
		return err
	}
	for i := range l.fields {
		f := &l.fields[i]
		off := fieldOffset(vtable, f.id)
		if off == 0 {
			continue
		}
		width := 4
		if f.kind == scalar {
			width = f.size
		}
		if off < 4 || off+width > size {
			return fmt.Errorf(".%s: offset %d in a table of %d bytes", f.name, off, size)
		}
		if f.kind == options {
			f = v.chosen(f, pos, vtable)
		}
		if f != nil {
			if err := v.field(pos+off, f); err != nil {
				return fmt.Errorf(".%s%w", f.name, err)
			}
		}
	}
	return nil
}

// vtable returns the field offsets and the size of the table at pos.
func (v *verifier) vtable(pos int) (vtable []byte, size int, err error) {
	b, err := v.span(pos, 4)
	if err != nil {
		return nil, 0, err
	}
	at := pos - int(int32(binary.LittleEndian.Uint32(b)))
	head, err := v.span(at, 4)
	if err != nil {
		return nil, 0, err
	}
	n, size := int(binary.LittleEndian.Uint16(head)), int(binary.LittleEndian.Uint16(head[2:]))
	if n < 4 || n%2 != 0 {
		return nil, 0, fmt.Errorf(": a vtable of %d bytes at %#x", n, at)
	}
	if vtable, err = v.span(at, n); err != nil {
		return nil, 0, err
	}
	_, err = v.span(pos, size)
	return vtable[4:], size, err
}

// fieldOffset returns a field's offset from its table, 0 if it is absent.
func fieldOffset(vtable []byte, id int) int {
	if 2*id+2 > len(vtable) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(vtable[2*id:]))
}

// chosen resolves a union to the layout that its type selects; nil where the
// type, the scalar field before it, selects none that is known here.
func (v *verifier) chosen(f *field, pos int, vtable []byte) *field {
	off := fieldOffset(vtable, f.id-1)
	if off == 0 {
		return nil
	}
	of, ok := f.union[v.file[pos+off]]
	if !ok {
		return nil
	}
	return &field{name: f.name, kind: child, of: of}
}

// field verifies what the field at pos refers to.
func (v *verifier) field(pos int, f *field) error {
	if f.kind == scalar {
		return nil
	}
	to, err := v.follow(pos)
	if err != nil {
		return err
	}
	switch f.kind {
	case vector:
		_, err = v.vector(to, f.size)
	case text:
		_, err = v.vector(to, 1)
	case child:
		err = v.table(to, f.of)
	case childs:
		err = v.children(to, f.of)
	}
	return err
}

// vector verifies the vector at pos and returns the number of its elements.
func (v *verifier) vector(pos, size int) (int, error) {
	b, err := v.span(pos, 4)
	if err != nil {
		return 0, err
	}
	n := int(binary.LittleEndian.Uint32(b))
	if _, err := v.span(pos+4, n*size); err != nil {
		return 0, err
	}
	if v.bytes -= n * size; v.bytes < 0 {
		return 0, fmt.Errorf(": more data than the file has room for")
	}
	return n, nil
}

func (v *verifier) children(pos int, l *layout) error {
	n, err := v.vector(pos, 4)
	if err != nil {
		return err
	}
	for i := range n {
		to, err := v.follow(pos + 4 + 4*i)
		if err == nil {
			err = v.table(to, l)
		}
		if err != nil {
			return fmt.Errorf("[%d]%w", i, err)
		}
	}
	return nil
}
