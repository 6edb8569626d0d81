package kernels

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"qtune/kernels/emit"
	"qtune/kernels/emu"
	"qtune/kernels/pack"
	"qtune/kernels/x86"
	"qtune/schedules"
)

// Operators holds the generated code of operators without weights. Its methods,
// one an operator, return the parts of the work on given buffers. Programs are
// made when they are first needed, and depend on little beside the instruction
// set. It is safe for concurrent use.
//
// All tensors of 8 bits are uint8. Of operators over int8, legalised by adding 128
// (see qnn/pass), some differ by more than that from those over uint8, and are
// told so.
type Operators struct {
	isa  schedules.ISA
	mode Mode

	mu struct {
		sync.Mutex
		code map[operator]*callables
	}
}

// An operator is what a program is made for. Names and variants are those of
// operatorPrograms.
type operator struct {
	name           string
	piece          emit.Piece
	repeat         emit.Repeat
	variant        bool
	pool           emit.PoolKind
	mean           emit.MeanKind
	unroll, shift  int
	channels, size int
}

// operatorPrograms writes the program of an operator of each name.
var operatorPrograms = map[string]func(o operator, isa schedules.ISA) *x86.Program{
	"lookup": func(o operator, isa schedules.ISA) *x86.Program { return emit.Lookup(isa, o.piece) },
	"sum":    func(o operator, isa schedules.ISA) *x86.Program { return emit.Sum(isa, o.piece, o.repeat) },
	"mul":    func(o operator, isa schedules.ISA) *x86.Program { return emit.Mul(isa, o.piece, o.variant, o.repeat) },
	"prelu":  func(o operator, isa schedules.ISA) *x86.Program { return emit.PRelu(isa, o.piece, o.variant, o.repeat) },
	"extreme": func(o operator, isa schedules.ISA) *x86.Program {
		return emit.Extreme(isa, o.piece, o.variant, o.repeat)
	},
	"pairs":      func(o operator, isa schedules.ISA) *x86.Program { return emit.Pairs(isa, o.piece, o.repeat) },
	"mean":       func(o operator, isa schedules.ISA) *x86.Program { return emit.Mean(isa, o.piece, o.mean) },
	"resize":     func(o operator, isa schedules.ISA) *x86.Program { return emit.Blend(isa, o.piece, o.variant) },
	"argmax":     func(o operator, isa schedules.ISA) *x86.Program { return emit.ArgMax(isa, o.piece, o.channels, o.size) },
	"quantize":   func(o operator, isa schedules.ISA) *x86.Program { return emit.Quantize(isa, o.piece) },
	"dequantize": func(o operator, isa schedules.ISA) *x86.Program { return emit.Dequantize(isa, o.piece) },
	"move":       func(o operator, isa schedules.ISA) *x86.Program { return emit.Move(isa, o.piece, o.size) },
	"shuffle":    func(o operator, isa schedules.ISA) *x86.Program { return emit.Shuffle(isa, o.size) },
	"squares":    func(o operator, isa schedules.ISA) *x86.Program { return emit.Squares(isa) },
	"softmax":    func(o operator, isa schedules.ISA) *x86.Program { return emit.Softmax(isa, o.piece) },
	"pool": func(o operator, isa schedules.ISA) *x86.Program {
		return emit.Pool(o.pool, isa, o.piece, o.unroll, o.shift)
	},
}

// NewOperators prepares for isa. Native fails where the CPU lacks it.
func NewOperators(isa schedules.ISA, m Mode) (*Operators, error) {
	o := &Operators{isa: isa, mode: m}
	o.mu.code = map[operator]*callables{}
	_, err := loadPrograms(m, isa, nil, nil)
	return o, err
}

// Close releases the code's memory; Parts must not run any more.
func (o *Operators) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var errs []error
	for _, c := range o.mu.code {
		errs = append(errs, c.close())
	}
	clear(o.mu.code)
	return errors.Join(errs...)
}

// load returns the code of op.
func (o *Operators) load(op operator) (*callables, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c := o.mu.code[op]; c != nil {
		return c, nil
	}
	p := operatorPrograms[op.name](op, o.isa)
	code, err := p.Encode()
	if err != nil {
		return nil, fmt.Errorf("encoding %s for %s: %w", op.name, o.isa, err)
	}
	c, err := loadPrograms(o.mode, o.isa, []*x86.Program{p}, [][]byte{code})
	if err != nil {
		return nil, err
	}
	o.mu.code[op] = &c
	return &c, nil
}

// A Part is some work of an operator that is bound to its buffers. Parts of one
// operator may run at the same time. Only the emulator returns errors.
type Part func() error

// A buffer is memory that the program of a Part may use.
type buffer struct {
	name string
	data []byte
	perm emu.Perm
}

// bufferOf is a table that programs read.
func bufferOf[T any](name string, table []T) buffer {
	return buffer{name, unsafe.Slice((*byte)(unsafe.Pointer(&table[0])), len(table)*int(unsafe.Sizeof(table[0]))), emu.Read}
}

// parts makes a Part of each argument block. Programs see only the buffers.
func (o *Operators) parts(code *callables, args []emit.Args, buffers ...buffer) ([]Part, error) {
	s := code.newSandbox()
	if s != nil {
		seen := map[*byte]bool{}
		for _, b := range buffers {
			if first := unsafe.SliceData(b.data); !seen[first] { // x + x
				seen[first] = true
				show(s, b.name, b.data, b.perm)
			}
		}
		show(s, "arguments", args, emu.Read|emu.Write)
		if err := errors.Join(s.errs...); err != nil {
			return nil, err
		}
	}
	parts := make([]Part, len(args))
	for i := range args {
		parts[i] = func() error {
			_ = buffers // keeps what args point to
			return code.call(0, &args[i], s)
		}
	}
	return parts, nil
}

// maxCall is how many bytes a call of an elementwise program makes at most.
const maxCall = 1 << 20

// Rows describes the rows of an elementwise operator: Count rows of Bytes
// bytes, whose starts are Stride apart in the result and in each operand.
type Rows struct {
	Count, Bytes int
	Out, In, In2 int // strides

	// Repeat tells of which of two operands a row is one byte that serves all
	// Bytes of the result.
	Repeat [2]bool
}

// OneRow is the Rows of n bytes in one piece.
func OneRow(n int) Rows { return Rows{Count: 1, Bytes: n} }

// elements are the sizes of the elements of operand and result, of which Rows
// whose Bytes count elements consist.
type elements struct{ in, out int }

// cut returns the argument blocks of programs with steps of p: rows are shared
// among threads, or one row's bytes are.
func (r Rows) cut(p emit.Piece, threads int, args emit.Args) []emit.Args {
	return r.cutElements(elements{1, 1}, p, threads, args)
}

func (r Rows) cutElements(e elements, p emit.Piece, threads int, args emit.Args) []emit.Args {
	args.OutRow, args.InRow, args.In2Row = int64(r.Out), int64(r.In), int64(r.In2)
	block := func(row, rows, at, n int) emit.Args {
		a := args
		a.NRows, a.Blocks, a.Tail = int64(rows), int64(n/int(p)), int64(n%int(p))
		a.Out += uintptr(row*r.Out + at*e.out)
		a.In += uintptr(row * r.In)
		if !r.Repeat[0] {
			a.In += uintptr(at * e.in)
		}
		if a.In2 != 0 {
			a.In2 += uintptr(row * r.In2)
		}
		if a.In2 != 0 && !r.Repeat[1] {
			a.In2 += uintptr(at)
		}
		return a
	}
	var all []emit.Args
	calls := max(threads, (r.Count*r.Bytes*max(e.in, e.out)+maxCall-1)/maxCall)
	if r.Count > 1 {
		for _, c := range chunksOf(r.Count, calls) {
			all = append(all, block(c.at, c.n, 0, r.Bytes))
		}
		return all
	}
	const line = 64
	lines := r.Bytes / line
	if lines < 16*calls { // not worth sharing
		return append(all, block(0, 1, 0, r.Bytes))
	}
	for _, c := range chunksOf(lines, calls) {
		n := c.n * line
		if c.at+c.n == lines {
			n = r.Bytes - c.at*line
		}
		all = append(all, block(0, 1, c.at*line, n))
	}
	return all
}

// span is the number of bytes that rows with a stride cover.
func (r Rows) span(stride int) int { return (r.Count-1)*stride + r.Bytes }

// holds refuses buffers that are too short for r.
func (r Rows) holds(out, in, in2 []byte) error { return r.holdsElements(elements{1, 1}, out, in, in2) }

func (r Rows) holdsElements(e elements, out, in, in2 []byte) error {
	span := func(stride, size int) int { return (r.Count-1)*stride + r.Bytes*size }
	operand := func(i, stride, size int) int {
		if r.Repeat[i] {
			return (r.Count-1)*stride + 1
		}
		return span(stride, size)
	}
	if in2 == nil && r.Repeat != [2]bool{} {
		return fmt.Errorf("%+v: an operator of one operand repeats none", r)
	}
	if r.Count < 1 || r.Bytes < 1 || r.Out < 0 || r.In < 0 || r.In2 < 0 ||
		span(r.Out, e.out) > len(out) || operand(0, r.In, e.in) > len(in) || in2 != nil && operand(1, r.In2, 1) > len(in2) {
		return fmt.Errorf("%+v do not lie in %d, %d and %d bytes", r, len(out), len(in), len(in2))
	}
	return nil
}

// Lookup returns the parts that store table[x] for each byte x of in to out.
func (o *Operators) Lookup(table *[256]byte, r Rows, in, out []byte, threads int) ([]Part, error) {
	if err := r.holds(out, in, nil); err != nil {
		return nil, err
	}
	p := emit.PieceFor(o.isa, r.Bytes)
	code, err := o.load(operator{name: "lookup", piece: p})
	if err != nil {
		return nil, err
	}
	consts := pack.Lookup(table, int(p.Width()))
	args := r.cut(p, threads, emit.Args{In: addressOf(in, 0), Out: addressOf(out, 0), Consts: addressOf(consts, 0)})
	return o.parts(code, args, buffer{"input", in, emu.Read},
		buffer{"output", out, emu.Read | emu.Write}, buffer{"constants", consts, emu.Read})
}
