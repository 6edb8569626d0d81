package emit

// Args is the argument block that every generated program gets in RDI. Its
// offsets are compiled into the code; a test holds them against the struct.
type Args struct {
	Rows    uintptr // table of addresses of input rows, first row of the call
	Out     uintptr // output of the first row, pixel and channel of the call
	Weights uintptr // packed weights of the first channel block
	Params  uintptr // packed constants of the first channel block
	Consts  uintptr // packed constants of the layer
	Sums    uintptr // window sums [row][pixel] int32 of the first row
	OutRow  int64   // bytes from output row to row
	OutPix  int64   // bytes from output pixel to pixel
	NRows   int64   // output rows
	Big     int64   // tiles of the larger size in a row
	Small   int64   // tiles of the smaller size in a row
	Blocks  int64   // full channel blocks
	Tail    int64   // 1: the last, narrower channel block follows
	In      uintptr // widen: source of the first row
	InRow   int64   // widen: bytes from source row to row
	InAt    int64   // depthwise: bytes from an input row's start to the first channel of the call
	Slots   [16]int64
	In2     uintptr // elementwise: second operand of the first row
	In2Row  int64   // elementwise: bytes from its row to row
	InPix   int64   // pooling: bytes from input pixel to pixel

	Prefetch     uintptr // the program's: weights that are to be in the cache next
	PrefetchStep int64   // bytes by which it moves on
}

// Offsets into Args.
const (
	argRows = 8 * iota
	argOut
	argWeights
	argParams
	argConsts
	argSums
	argOutRow
	argOutPix
	argNRows
	argBig
	argSmall
	argBlocks
	argTail
	argIn
	argInRow
	argInAt
	argSlots
)

// The words after the slots.
const (
	argIn2 = argSlots + 8*(16+iota)
	argIn2Row
	argInPix
	argPrefetch
	argPrefetchStep
)
