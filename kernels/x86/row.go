package x86

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A row is one line of the instruction table, in the notation of the manual's
// opcode column so that one can be read beside the other.
//
// form is the mnemonic and the operands. Operands are
//
//	v        vector register of the instruction's width
//	h q      register of a half, a quarter of it (at least xmm)
//	x y z    xmm, ymm, zmm
//	vlo vhi  vector register 0 to 7, 8 and more
//	m        memory as wide as the register before "/", or as the instruction
//	mq       memory of a quarter of the instruction's width
//	m8 ...   memory of so many bits (m0: only its address is used)
//	b32 b64  memory, one element of so many bits broadcast
//	r8 ...   general purpose register used at so many bits; rax: only RAX
//	k        opmask register
//	i8 i32 u32 i64 1   immediate (i8 of vector instructions: also up to 255)
//	rel8 rel32         jump target
//
// with "/" between alternatives. The first operand is the destination; "+"
// before it says that it is read as well, "=" that it is only read. {k32z}
// after it allows a write mask with a bit for each 32-bit element of the
// destination and zeroing, {k32} only merging.
//
// roles gives the place of each operand (the manual's Op/En column): R
// ModRM.reg, V VEX.vvvv, M ModRM.rm, I immediate, L imm8[7:4], O low bits of
// the opcode, A implied by it, D displacement of a jump.
//
// code is the encoding. Vector widths stand after VEX or EVEX; without, a
// form with v, h or q exists at 128 and 256 bits, in EVEX also at 512.
type row struct {
	op    Op
	form  string
	roles string
	code  string
	need  Feature // of EVEX forms with several widths, below 512 also AVX512VL
	ref   string  // volume of the Intel SDM and title of the section
}

func (r *row) mnemonic() string {
	name, _, _ := strings.Cut(r.form, " ")
	return name
}

// formsOf has the forms of each Op in the order of the table: where several
// fit, the first is the shortest.
var formsOf = expandTable(gpRows, moveRows, arithRows, floatRows, shuffleRows)

// Forms returns the forms of op in the encoder's order of preference. The
// caller must not change them.
func Forms(op Op) []Form {
	if op >= numOps {
		return nil
	}
	return formsOf[op]
}

// NumOps returns the number of instructions; an Op is below it.
func NumOps() int { return int(numOps) }

func expandTable(tables ...[]row) [][]Form {
	forms := make([][]Form, numOps)
	for _, rows := range tables {
		for i := range rows {
			r := &rows[i]
			fs, err := r.expand()
			if err != nil {
				panic(fmt.Sprintf("BUG: instruction table: %s: %v", r.form, err))
			}
			forms[r.op] = append(forms[r.op], fs...)
		}
	}
	return forms
}

// expand makes the forms of a row: widths x alternatives of the operands.
func (r *row) expand() ([]Form, error) {
	base := Form{op: r.op, row: r, need: r.need, dst: -1, mem: -1, maxVec: 15}
	widths, err := base.parseCode(r.code)
	if err != nil {
		return nil, err
	}
	if err := base.parseRoles(r.roles); err != nil {
		return nil, err
	}
	_, list, _ := strings.Cut(r.form, " ")
	var args []string
	if list != "" {
		args = strings.Split(list, ", ")
	}
	if len(args) != len(r.roles) {
		return nil, fmt.Errorf("%d operands, %d roles", len(args), len(r.roles))
	}
	if len(widths) == 0 {
		widths = base.defaultWidths(list)
	}
	var forms []Form
	for _, w := range widths {
		f := base
		f.width = w
		f.l = widthBits(w)
		if f.enc == encEVEX && len(widths) > 1 && w < W512 {
			f.need |= FeatAVX512VL
		}
		forms, err = f.expandArgs(forms, args, 0)
		if err != nil {
			return nil, err
		}
	}
	return forms, nil
}

// defaultWidths returns the widths of a row that names none.
func (f *Form) defaultWidths(list string) []Width {
	hasVec := slices.ContainsFunc(strings.FieldsFunc(list, func(c rune) bool {
		return strings.ContainsRune(" ,/+={", c)
	}), func(s string) bool { return s == "v" || s == "h" || s == "q" || s == "vlo" })
	switch {
	case !hasVec:
		return []Width{0}
	case f.enc == encEVEX:
		return []Width{W128, W256, W512}
	}
	return []Width{W128, W256}
}

func widthBits(w Width) uint8 {
	switch w {
	case W256:
		return 1
	case W512:
		return 2
	}
	return 0
}

// expandArgs appends to forms one form for each choice of alternatives of
// args[i] and those after it.
func (f Form) expandArgs(forms []Form, args []string, i int) ([]Form, error) {
	if i == len(args) {
		return append(forms, f), nil
	}
	spec := args[i]
	if i == 0 {
		spec = f.parseDst(spec)
	}
	var regWidth Width
	for alt := range strings.SplitSeq(spec, "/") {
		g := f
		c, w, err := g.parseArg(alt, i, regWidth)
		if err != nil {
			return nil, err
		}
		regWidth = w
		g.sig |= uint16(c) << (4 * i)
		if forms, err = g.expandArgs(forms, args, i+1); err != nil {
			return nil, err
		}
	}
	return forms, nil
}

// parseDst notes what the first operand says about destination and mask, and
// returns its alternatives.
func (f *Form) parseDst(spec string) string {
	switch spec[0] {
	case '+':
		f.dst, f.dstRead, spec = 0, true, spec[1:]
	case '=':
		spec = spec[1:]
	default:
		f.dst = 0
	}
	spec, mask, ok := strings.Cut(spec, "{k")
	if ok {
		mask, f.zeroing = strings.CutSuffix(strings.TrimSuffix(mask, "}"), "z")
		bits, _ := strconv.Atoi(mask)
		f.maskElem = uint8(bits / 8)
	}
	return spec
}

// parseArg notes alternative alt of operand i. The width returned is that of
// which a later alternative "m" has to be.
func (f *Form) parseArg(alt string, i int, before Width) (Class, Width, error) {
	switch alt {
	case "v", "x", "y", "z", "h", "q", "vlo", "vhi":
		return f.parseVec(alt, i)
	case "k":
		return ClassMask, 0, nil
	case "m":
		if before == 0 {
			before = f.width
		}
		return f.setMem(ClassMem, i, int(before)*8)
	case "mq":
		return f.setMem(ClassMem, i, int(f.width)*2)
	case "1", "i8", "u32", "i32", "i64":
		f.setImm(alt)
		return ClassImm, 0, nil
	case "rel8", "rel32", "label":
		return ClassLabel, 0, nil
	case "rax":
		f.setPick(i, pickRAX)
		f.regSize[i] = 8
		return ClassReg, 0, nil
	}
	bits, err := strconv.Atoi(alt[1:])
	if err != nil {
		return 0, 0, fmt.Errorf("operand %q", alt)
	}
	switch alt[0] {
	case 'r':
		f.regSize[i] = uint8(bits / 8)
		f.rexByte = f.rexByte || bits == 8
		return ClassReg, 0, nil
	case 'm':
		return f.setMem(ClassMem, i, bits)
	case 'b':
		return f.setMem(ClassBcast, i, bits)
	}
	return 0, 0, fmt.Errorf("operand %q", alt)
}

func (f *Form) setMem(c Class, i, bits int) (Class, Width, error) {
	f.mem, f.memSize = int8(i), uint8(bits/8)
	return c, 0, nil
}

func (f *Form) setPick(i int, p pick) { f.picky, f.pick[i] = true, p }

// parseVec returns the class of a vector register and the width of its
// memory counterpart.
func (f *Form) parseVec(alt string, i int) (Class, Width, error) {
	w := f.width
	switch alt {
	case "x":
		w = W128
	case "y":
		w = W256
	case "z":
		w = W512
	case "h":
		w /= 2
	case "q":
		w /= 4
	case "vlo":
		f.setPick(i, pickLow)
	case "vhi":
		f.setPick(i, pickHigh)
	}
	return ClassX + Class(widthBits(w)), w, nil
}

func (f *Form) setImm(alt string) {
	switch alt {
	case "1":
		f.immLo, f.immHi = 1, 1
	case "i8":
		f.immLo, f.immHi = math.MinInt8, math.MaxInt8
		if f.enc != encLegacy {
			f.immHi = math.MaxUint8
		}
	case "i32":
		f.immLo, f.immHi = math.MinInt32, math.MaxInt32
	case "u32":
		f.immLo, f.immHi = 0, math.MaxUint32
	case "i64":
		f.immLo, f.immHi = math.MinInt64, math.MaxInt64
	}
}

// parseRoles notes where the operands go.
func (f *Form) parseRoles(roles string) error {
	f.argR, f.argV, f.argM, f.argI, f.argL, f.argO = -1, -1, -1, -1, -1, -1
	for i, c := range roles {
		switch c {
		case 'R':
			f.argR = int8(i)
		case 'V':
			f.argV = int8(i)
		case 'M':
			f.argM = int8(i)
		case 'I':
			f.argI = int8(i)
		case 'L':
			f.argL = int8(i)
		case 'O':
			f.argO = int8(i)
		case 'A', 'D': // no field, or filled in by the layout of jumps
		default:
			return fmt.Errorf("role %q", c)
		}
	}
	return nil
}

// parseCode notes the encoding and returns the widths it names.
func (f *Form) parseCode(code string) ([]Width, error) {
	prefix, rest, _ := strings.Cut(code, " ")
	var widths []Width
	switch {
	case prefix == "-":
		f.enc = encPseudo
		return nil, nil
	case strings.HasPrefix(prefix, "VEX."), strings.HasPrefix(prefix, "EVEX."):
		f.enc = encVEX
		if prefix[0] == 'E' {
			f.enc, f.maxVec = encEVEX, 31
		}
		for part := range strings.SplitSeq(prefix, ".") {
			if err := f.parseVEXPart(part, &widths); err != nil {
				return nil, err
			}
		}
	default:
		f.enc, rest = encLegacy, code
	}
	for tok := range strings.FieldsSeq(rest) {
		if err := f.parseOpcode(tok); err != nil {
			return nil, err
		}
	}
	return widths, nil
}

func (f *Form) parseVEXPart(part string, widths *[]Width) error {
	switch part {
	case "VEX", "EVEX", "NP", "W0", "WIG", "L0":
	case "128", "256", "512":
		bits, _ := strconv.Atoi(part)
		*widths = append(*widths, Width(bits/8))
	case "66":
		f.pp = 1
	case "F3":
		f.pp = 2
	case "F2":
		f.pp = 3
	case "0F":
		f.mmap = 1
	case "0F38":
		f.mmap = 2
	case "0F3A":
		f.mmap = 3
	case "W1":
		f.w = 1
	default:
		return fmt.Errorf("prefix part %q", part)
	}
	return nil
}

// parseOpcode notes one word of the opcode after a VEX prefix, or of a legacy
// opcode.
func (f *Form) parseOpcode(tok string) error {
	switch tok {
	case "66":
		if f.enc == encLegacy {
			f.pp = 1
			return nil
		}
	case "0F":
		if f.enc == encLegacy {
			f.mmap = 1
			return nil
		}
	case "REX.W":
		f.w = 1
		return nil
	case "/r":
		return nil
	case "ib", "cb", "/is4":
		f.immBytes = 1
		return nil
	case "id", "cd":
		f.immBytes = 4
		return nil
	case "io":
		f.immBytes = 8
		return nil
	}
	if d, ok := strings.CutPrefix(tok, "/"); ok {
		n, err := strconv.ParseUint(d, 8, 3)
		f.digit = uint8(n)
		return err
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(tok, "+r"), 16, 8)
	f.opcode = uint8(n)
	return err
}
