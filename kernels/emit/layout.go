package emit

// A Layout is a block of named constants in memory: what generated code reads
// and package pack fills.
type Layout struct {
	Fields []Field
	Bytes  int
}

// A Field is one constant: a whole vector, one lane a channel (or the same in
// every lane).
type Field struct {
	Name   string
	Offset int
	Bytes  int
}

func (l *Layout) add(name string, bytes int) {
	l.Fields = append(l.Fields, Field{name, l.Bytes, bytes})
	l.Bytes += bytes
}

// Find returns the offset of a field, and whether the layout has it.
func (l *Layout) Find(name string) (int, bool) {
	for _, f := range l.Fields {
		if f.Name == name {
			return f.Offset, true
		}
	}
	return 0, false
}

func (l *Layout) offset(name string) int {
	off, ok := l.Find(name)
	if !ok {
		panic("BUG: no constant " + name)
	}
	return off
}
