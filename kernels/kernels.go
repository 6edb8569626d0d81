// Package kernels turns a Workload, a Schedule and an instruction set into a
// Kernel: machine code, with the layout that its constants and buffers must
// have. A Kernel's bytes are a function of those three alone; a layer's numbers
// enter through Pack, its buffers through Bind.
//
//	k, err := kernels.Build(w, s, isa)        // plan and code
//	x, err := kernels.Load(k, kernels.Native) // or kernels.Emulated, on any host
//	p, err := k.Pack(layer)                   // weights, bias, multipliers
//	b, err := x.Bind(p, in, out)              // addresses
//	err = b.Run()                             // the whole layer
//
// All kernels read and write uint8 activations; int8 networks arrive here
// legalised (see qnn/pass).
package kernels
