package schedules

import (
	"fmt"
	"strconv"
	"strings"

	"qtune/qnn"
)

// A field is one word of a workload's text: a prefix, then numbers or a choice.
// String and ParseWorkload both follow the list that fields returns.
type field struct {
	prefix string
	sep    string   // between numbers
	nums   []*int   // exclusive with values
	values []string // the choices, in the order of index
	get    func() int
	set    func(int)

	optional bool // left out where the choice is the first
}

// fields lists the words after the operator.
func (w *Workload) fields() []field {
	batch := field{prefix: "n", nums: []*int{&w.N}}
	channels := field{prefix: "c", nums: []*int{&w.C}}
	outputs := field{prefix: "o", nums: []*int{&w.O}}
	if w.Op == Depthwise {
		outputs = field{prefix: "m", nums: []*int{&w.Multiplier}}
	}
	f := []field{batch, channels, outputs}
	if w.Op != Dense {
		f = []field{
			batch,
			{prefix: "h", nums: []*int{&w.H}},
			{prefix: "w", nums: []*int{&w.W}},
			channels,
			{prefix: "k", sep: "x", nums: []*int{&w.KH, &w.KW}},
			outputs,
			{prefix: "s", sep: "x", nums: []*int{&w.StrideH, &w.StrideW}},
			{prefix: "d", sep: "x", nums: []*int{&w.DilationH, &w.DilationW}},
			{prefix: "p", sep: ",", nums: []*int{&w.PadTop, &w.PadLeft, &w.PadBottom, &w.PadRight}},
		}
	}
	f = append(f, w.Class.fields()...)
	if w.Op == Depthwise {
		return f
	}
	return append(f, w.Saturation.field())
}

func (c *Class) fields() []field {
	round := field{
		prefix: "round=", values: []string{qnn.Double.String(), qnn.Single.String()},
		get: func() int { return int(c.Round) },
		set: func(i int) { c.Round = qnn.Rounding(i) },
	}
	return []field{
		choice("wz=", "0", "1", &c.WeightZero),
		choice("perch=", "0", "1", &c.PerChannel),
		round,
		choice("sign=", "0", "1", &c.Sign),
		c.multipliers(),
	}
}

func (c *Class) multipliers() field {
	return field{
		prefix: "mult=", values: []string{"lt1", "any", "f32"},
		get: func() int {
			switch {
			case c.General:
				return 1
			case c.Float:
				return 2
			}
			return 0
		},
		set: func(i int) { c.General, c.Float = i == 1, i == 2 },
	}
}

// choice is the field of a flag.
func choice(prefix, no, yes string, flag *bool) field {
	return field{
		prefix: prefix, values: []string{no, yes},
		get: func() int {
			if *flag {
				return 1
			}
			return 0
		},
		set: func(i int) { *flag = i == 1 },
	}
}

// text prints the field.
func (f field) text() string {
	if f.values != nil {
		if i := f.get(); i < len(f.values) {
			return f.prefix + f.values[i]
		}
		return f.prefix + "?"
	}
	var b strings.Builder
	b.WriteString(f.prefix)
	for i, n := range f.nums {
		if i > 0 {
			b.WriteString(f.sep)
		}
		b.WriteString(strconv.Itoa(*n))
	}
	return b.String()
}

// parse reads the field from one word.
func (f field) parse(word string) error {
	body, ok := strings.CutPrefix(word, f.prefix)
	if !ok {
		return fmt.Errorf("%q where %s... is expected", word, f.prefix)
	}
	if f.values != nil {
		for i, v := range f.values {
			if v == body {
				f.set(i)
				return nil
			}
		}
		return fmt.Errorf("%q: want %s followed by one of %s", word, f.prefix, strings.Join(f.values, ", "))
	}
	parts := []string{body}
	if f.sep != "" {
		parts = strings.Split(body, f.sep)
	}
	if len(parts) != len(f.nums) {
		return fmt.Errorf("%q: %d numbers, want %d", word, len(parts), len(f.nums))
	}
	for i, p := range parts {
		n, err := parseNumber(p)
		if err != nil {
			return fmt.Errorf("%q: %w", word, err)
		}
		*f.nums[i] = n
	}
	return nil
}

// parseNumber reads a decimal number as Itoa prints it.
func parseNumber(s string) (int, error) {
	canonical := s != "" && (s[0] != '0' || len(s) == 1)
	for _, c := range []byte(s) {
		canonical = canonical && '0' <= c && c <= '9'
	}
	if !canonical {
		return 0, fmt.Errorf("bad number %q", s)
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("number %q is too large", s)
	}
	return n, nil
}

// String returns the canonical text.
func (w Workload) String() string {
	var b strings.Builder
	b.WriteString(string(w.Op))
	for _, f := range w.fields() {
		if f.optional && f.get() == 0 {
			continue
		}
		b.WriteByte(' ')
		b.WriteString(f.text())
	}
	return b.String()
}

// ParseWorkload is the inverse of String. It accepts valid workloads only.
func ParseWorkload(s string) (Workload, error) {
	w, err := parseWorkload(s)
	if err == nil {
		err = w.Validate()
	}
	if err != nil {
		return Workload{}, fmt.Errorf("workload %s: %w", quote(s), err)
	}
	return w, nil
}

func parseWorkload(text string) (Workload, error) {
	const longest = 512
	if len(text) > longest {
		return Workload{}, fmt.Errorf("%d bytes, at most %d are allowed", len(text), longest)
	}
	words := strings.Split(text, " ")
	w := Workload{Op: Op(words[0])}
	switch w.Op {
	case Conv2D, Depthwise:
	case Dense:
		w.H, w.W, w.Window = 1, 1, pointWindow
	default:
		return Workload{}, fmt.Errorf("unknown operator %q (known: conv2d, depthwise, dense)", words[0])
	}
	fields, words := w.fields(), words[1:]
	if last := len(fields) - 1; fields[last].optional && len(words) == last {
		fields = fields[:last]
	}
	if len(words) != len(fields) {
		return Workload{}, fmt.Errorf("%d words after the operator, want %d", len(words), len(fields))
	}
	for i, f := range fields {
		if err := f.parse(words[i]); err != nil {
			return Workload{}, err
		}
	}
	if w.Op == Depthwise {
		w.O = w.C * w.Multiplier
	}
	if s := w.String(); s != text {
		return Workload{}, fmt.Errorf("not canonical, want %q", s)
	}
	return w, nil
}

// quote quotes text from outside, so that a message stays one short line.
func quote(s string) string {
	const limit = 200
	if len(s) > limit {
		return strconv.Quote(s[:limit]) + "..."
	}
	return strconv.Quote(s)
}
