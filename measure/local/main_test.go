package local

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"qtune/kernels"
	"qtune/kernels/exec"
	"qtune/measure"
	"qtune/qnn"
	"qtune/qnn/ref"
)

// childEnv makes the test binary a measuring child: "kernels" with generated
// kernels, "twin" with the reference in their place, which runs anywhere.
const childEnv = "QTUNE_TEST_CHILD"

func TestMain(m *testing.M) {
	rigs := map[string]rigMaker{"kernels": kernelRig, "twin": twinRig}
	if newRig, ok := rigs[os.Getenv(childEnv)]; ok {
		if err := newChild(os.Stdout, newRig, []Hook{hook}).run(os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// Seeds of jobs that the hook makes misbehave.
const (
	goodSeed  = 1
	crashSeed = 1001 + iota
	hangSeed
	wrongSeed
)

func hook(j measure.Job) Fault {
	return map[uint64]Fault{crashSeed: CrashFault, hangSeed: HangFault, wrongSeed: WrongFault}[j.Seed]
}

// A twin computes its layer with qnn/ref. Its faults beyond those of the hook
// are chosen by the seed.
type twin struct {
	layer   *qnn.Layer
	in, out []byte
	seed    uint64
	runs    int
}

const (
	unbuildableSeed = 2001 + iota
	panicSeed
	lateWrongSeed // right when it is checked, wrong after
	killedSeed    // as if the process was killed from outside
	nonsenseSeed  // answers for another job
	garbageSeed   // writes what is no answer
	orphanSeed    // crashes where it is not announced, in the rounds
	illegalSeed   // generated code with an instruction that does not exist
	wildSeed      // generated code that writes where nothing is
	nilSeed       // generated code that writes to address 0
	spinSeed      // generated code that jumps to itself: it cannot be preempted
)

// machineCode is what the seeds above run.
var machineCode = map[uint64][]byte{
	illegalSeed: {0x0f, 0x0b, 0xc3},                                        // ud2; ret
	wildSeed:    {0x48, 0xb8, 0, 0, 0, 0, 0, 0x70, 0, 0, 0x88, 0x00, 0xc3}, // mov rax, 0x7000_0000_0000; mov [rax], al; ret
	nilSeed:     {0x31, 0xc0, 0x88, 0x00, 0xc3},                            // xor eax, eax; mov [rax], al; ret
	spinSeed:    {0xeb, 0xfe},                                              // jmp $
}

func twinRig(_ *kernels.Memory, j measure.Job, l *layer, copies int) (rig, string, error) {
	switch j.Seed {
	case unbuildableSeed:
		return nil, "", errors.New("no such schedule")
	case panicSeed:
		panic("BUG: in the generator")
	}
	return &twin{layer: l.Layer, out: make([]byte, l.N*l.OH*l.OW*l.OC), seed: j.Seed}, "c0de", nil
}

func (t *twin) SetInput(x []byte) { t.in = x }
func (t *twin) Output() []byte    { return append([]byte(nil), t.out...) }
func (t *twin) Close() error      { return nil }

func (t *twin) Run() error {
	t.runs++
	if code, ok := machineCode[t.seed]; ok {
		c, err := exec.Map(code)
		if err != nil {
			return err
		}
		c.Call(nil)
	}
	ref.Layer(t.layer, t.in, t.out)
	switch {
	case t.seed == lateWrongSeed && t.runs > 2:
		t.out[0] ^= 0xff
	case t.seed == killedSeed:
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			return err
		}
		if err := self.Kill(); err != nil {
			return err
		}
		time.Sleep(time.Minute)
	case t.seed == nonsenseSeed:
		return writeFrame(os.Stdout, message{Kind: resultMessage, Job: 7777})
	case t.seed == garbageSeed:
		_, err := os.Stdout.WriteString("I have been overwritten")
		return err
	case t.seed == orphanSeed && t.runs > 4:
		panic("in the rounds")
	}
	return nil
}
