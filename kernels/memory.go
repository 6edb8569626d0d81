package kernels

import "qtune/kernels/pack"

// Memory is what rigs use one after the other. Fresh memory costs more time than
// what is done with it: the system clears each page when it is first touched. The
// zero Memory is empty and grows; it is not safe for concurrent use.
type Memory struct {
	slabs []slab
	at    int // slab that is used
}

// A slab is one piece, of which the first used bytes are handed out.
type slab struct {
	data []byte
	used int
}

const (
	memorySlab = 16 << 20
	// memoryPage is how larger buffers are aligned, so that candidates differ in
	// their code and not in how their buffers lie.
	memoryPage = 4096
)

// Reuse takes back all that was handed out: rigs in m must not be used any more.
func (m *Memory) Reuse() {
	for i := range m.slabs {
		m.slabs[i].used = 0
	}
	m.at = 0
}

// bytes hands out n bytes of any content, aligned for vectors. A nil Memory has
// fresh ones.
func (m *Memory) bytes(n int) []byte {
	if m == nil {
		return pack.Aligned(n)
	}
	unit := 64
	if n >= memoryPage {
		unit = memoryPage
	}
	for ; m.at < len(m.slabs); m.at++ {
		c := &m.slabs[m.at]
		if at := (c.used + unit - 1) &^ (unit - 1); at+n <= len(c.data) {
			c.used = at + n
			return c.data[at:c.used:c.used]
		}
	}
	data := pack.Large(max(n, memorySlab))
	m.slabs = append(m.slabs, slab{data, n})
	return data[:n:n]
}
