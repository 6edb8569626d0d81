// Package emu runs x86.Programs on simulated registers and bounds-checked
// memory, on any host: every target's kernels can be tested, and used, where
// no CPU has the instructions.
//
// In come a Program, a Memory of named regions, and the address of the
// argument block. Out come the bytes that the program wrote to the regions, or
// a Fault that names the instruction, its text, and for an access outside of a
// region the nearest region and the offset in it. Regions normally stand at
// their real addresses, so the same argument block serves native execution.
//
// Compile turns a program into one closure per instruction. What operands an
// instruction takes, how many bytes it accesses, and what a mask bit or a
// broadcast stands for comes from the instruction table of package x86; the
// tables here, one per family and file, add what the instruction computes.
//
// Beyond the instructions the emulator checks the call contract:
//
//   - RSP and RBP are never written (at Compile);
//   - an access lies within one region and its permission; elements that a
//     mask leaves out are not accessed by instructions which suppress their
//     faults;
//   - VZEROUPPER follows the last use of a ymm or zmm register before RET;
//   - RET comes within a number of instructions;
//   - a conditional jump reads no flag that is undefined, as SF after IMUL.
//
// Registers start with garbage, so that a value never written shows. All
// results are those of hardware including the bits above the vector width;
// the parity and auxiliary flags do not exist, since nothing reads them.
//
// Every form that the host CPU has is compared with it on random operands;
// testdata keeps results of an AVX-512 CPU for the other hosts.
//
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, vol. 1
// section 15.6 (masking and fault suppression), vol. 2 (instructions; section
// 2.7 and 2.8 for the exception classes that tell which suppress).
package emu
