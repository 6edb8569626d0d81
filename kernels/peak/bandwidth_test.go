package peak

import (
	"sync/atomic"
	"testing"
	"unsafe"

	"qtune/kernels/emu"
	"qtune/kernels/exec"
	"qtune/kernels/pack"
	"qtune/kernels/x86"
	"qtune/schedules"
)

func TestLoadsEncode(t *testing.T) {
	for _, isa := range schedules.ISAs() {
		if _, err := loads(stepsOf[isa].isa, vectorWidth(isa)).Encode(); err != nil {
			t.Errorf("%s: %v", isa, err)
		}
	}
}

// The program reads the whole buffer in each pass, nothing beside it, and ends.
func TestLoadsReadTheBuffer(t *testing.T) {
	const blocks, passes = 3, 2
	for _, isa := range schedules.ISAs() {
		code, err := emu.Compile(loads(stepsOf[isa].isa, vectorWidth(isa)))
		if err != nil {
			t.Fatal(err)
		}
		buffer := pack.Aligned(blocks * loadsInRound * int(vectorWidth(isa)))
		args := []readArgs{{unsafe.Pointer(&buffer[0]), blocks, passes}}
		var mem emu.Memory
		if _, err := emu.MapSlice(&mem, "buffer", buffer, emu.Read); err != nil {
			t.Fatal(err)
		}
		rdi, err := emu.MapSlice(&mem, "arguments", args, emu.Read)
		if err != nil {
			t.Fatal(err)
		}
		m := emu.NewMachine()
		if err := m.Run(code, &mem, rdi, 1000); err != nil {
			t.Errorf("%s: %v", isa, err)
		}
		if n := m.Counts()[x86.VMOVDQU]; n != blocks*passes*loadsInRound {
			t.Errorf("%s: %d loads, want %d", isa, n, blocks*passes*loadsInRound)
		}
	}
}

// Parts are all of the buffer, one after the other.
func TestReaderParts(t *testing.T) {
	isas := schedules.HostISAs()
	if len(isas) == 0 {
		t.Skip("this CPU executes no generated code")
	}
	machineCode, err := loads(stepsOf[isas[0]].isa, vectorWidth(isas[0])).Encode()
	if err != nil {
		t.Fatal(err)
	}
	code, err := exec.Map(machineCode)
	if err != nil {
		t.Fatal(err)
	}
	defer code.Close()
	block := loadsInRound * int(vectorWidth(isas[0]))
	r := newReader(code, 7*block+1, block)
	r.parts = 3
	for round := range 2 {
		for i, blocks := range []int{2, 2, 3} {
			at := r.next * 7 / r.parts * block
			if got := r.once(); got != float64(blocks*block) || r.args.buffer != unsafe.Pointer(&r.data[at]) {
				t.Errorf("round %d, part %d: read %v bytes, want %d from %d on", round, i, got, blocks*block, at)
			}
		}
	}
}

// What is read is not more than a buffer holds, and all threads read.
func TestMeasureBandwidth(t *testing.T) {
	for _, isa := range schedules.ISAs() {
		for _, threads := range []int{1, 2} {
			b, err := MeasureBandwidth(isa, 16<<10, threads)
			if !exec.Supports(stepsOf[isa].isa) {
				if err == nil {
					t.Errorf("%s: measured %v on a CPU that does not execute it", isa, b)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", isa, err)
			}
			// A loaded machine is slow, but none reads more than 4 vectors a clock at 10 GHz.
			most := float64(threads) * 4 * 10e9 * float64(vectorWidth(isa))
			if b.Min <= 0 || b.Min > b.Median || b.Median > b.Max || b.Max > most {
				t.Errorf("%s, %d threads: %+v", isa, threads, b)
			}
			t.Logf("%s, %d threads: %.1f GB/s (%.1f to %.1f)", isa, threads, b.Median/1e9, b.Min/1e9, b.Max/1e9)
		}
	}
	if b, err := MeasureBandwidth(schedules.Ref, 1<<10, 1); err == nil {
		t.Errorf("measured %v of plain Go", b)
	}
	if len(schedules.HostISAs()) > 0 {
		if b, err := MeasureBandwidth(schedules.HostISAs()[0], 1<<10, 0); err == nil {
			t.Errorf("measured %v of no threads", b)
		}
	}
}

func TestMeasureInstructions(t *testing.T) {
	for _, isa := range schedules.HostISAs() {
		got, err := MeasureInstructions(isa)
		if err != nil || got < 0.5e9 || got > 60e9 { // 1 to 10 GHz, half to 6 a clock
			t.Errorf("%s: %.1f G instructions per second, %v", isa, got/1e9, err)
		}
		t.Logf("%s: %.1f G instructions per second", isa, got/1e9)
	}
}

func TestLevels(t *testing.T) {
	const k, m = 1 << 10, 1 << 20
	for _, c := range []struct {
		name    string
		machine schedules.Machine
		threads int
		want    []Level
	}{
		{"Zen 4", schedules.Machine{L1D: 32 * k, L2: m, L3: 32 * m}, 1, []Level{
			{"L1", 32 * k, false, false, 16 * k}, {"L2", m, false, false, 512 * k}, {"L3", 32 * m, true, false, 16 * m}, {"memory", 0, true, false, 64 * m}}},
		{"eight threads share", schedules.Machine{L1D: 32 * k, L2: m, L3: 32 * m}, 8, []Level{
			{"L1", 32 * k, false, false, 16 * k}, {"L2", m, false, false, 512 * k}, {"L3", 32 * m, true, false, 2 * m}, {"memory", 0, true, false, 64 * m}}},
		{"nothing known", schedules.Machine{}, 1, []Level{
			{"L1", 32 * k, false, true, 16 * k}, {"L2", 512 * k, false, true, 256 * k}, {"L3", 32 * m, true, true, 16 * m}, {"memory", 0, true, false, 64 * m}}},
		{"L3 hidden", schedules.Machine{L1D: 48 * k, L2: m}, 2, []Level{
			{"L1", 48 * k, false, false, 24 * k}, {"L2", m, false, false, 512 * k}, {"L3", 32 * m, true, true, 8 * m}, {"memory", 0, true, false, 64 * m}}},
		{"large last cache", schedules.Machine{L1D: 48 * k, L2: 2 * m, L3: 3072 * m}, 1, []Level{
			{"L1", 48 * k, false, false, 24 * k}, {"L2", 2 * m, false, false, m}, {"L3", 3072 * m, true, false, 1536 * m}, {"memory", 0, true, false, 2048 * m}}},
		{"small second cache", schedules.Machine{L1D: 32 * k, L2: 64 * k, L3: 2 * m}, 1, []Level{
			{"L1", 32 * k, false, false, 16 * k}, {"L2", 64 * k, false, false, 48 * k}, {"L3", 2 * m, true, false, m}, {"memory", 0, true, false, 64 * m}}},
	} {
		got := Levels(c.machine, c.threads)
		for i, want := range c.want {
			if got[i] != want {
				t.Errorf("%s: %+v, want %+v", c.name, got[i], want)
			}
		}
	}
}

func TestTogether(t *testing.T) {
	var calls atomic.Int32
	sum, err := Together(3, func() (float64, error) { return float64(calls.Add(1)), nil })
	if sum != 1+2+3 || err != nil {
		t.Errorf("%v, %v", sum, err)
	}
}
