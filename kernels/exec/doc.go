// Package exec runs generated machine code.
//
// In comes the code of a kernel, as x86.Program.Encode returns it; out goes a
// Code, which Call runs. Memory is never writable and executable at once: code
// is copied to fresh pages, which then become executable (W^X).
//
// The call contract is that of all generated code: RDI points to the argument
// block; the code is a leaf (no call, no use of the stack), preserves RSP and
// RBP and may change every other register, executes VZEROUPPER before RET if
// it used vector registers wider than 128 bits, and returns within about a
// millisecond, for the Go runtime can neither preempt it nor collect garbage
// meanwhile. Because it is a leaf, a fault inside it looks to the runtime like
// a fault in the stub that called it, and can become a Go panic (TryCall).
// Illegal instructions and endless loops cannot be caught: code that is not
// trusted belongs into a child process.
//
// Alloc gives memory between pages that cannot be accessed, so that tests
// running natively notice accesses outside of a buffer.
//
// The stub in call_amd64.s is the only assembly of the project. On anything
// but linux/amd64 the package builds, Supported is empty and Map returns
// ErrUnsupported.
//
// Sources: System V ABI AMD64 3.2 (registers), Intel SDM vol. 1 chapter 13
// (XGETBV, state that the operating system saves), Go's abi-internal document.
package exec
