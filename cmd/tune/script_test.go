package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"qtune/logs"
	"qtune/qnn/tflite/fb"
	"qtune/schedules"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tune": main, "tune-simulated": simulatedTune})
}

// TestScripts runs the command as its user does: see testdata/script. Scripts
// find golden one-operator networks in $OPS, recorded spaces in $RECORDINGS, a small log as text
// in $BEST and, where they exist (condition [shared]), real networks and photographs in
// $SHARED. Condition [native]: this
// CPU executes generated code.
func TestScripts(t *testing.T) {
	ops, err := filepath.Abs(filepath.Join("..", "..", "qnn", "ref", "testdata", "golden_ops"))
	if err != nil {
		t.Fatal(err)
	}
	shared, err := filepath.Abs(filepath.Join("..", "..", "..", "shared"))
	if err != nil {
		t.Fatal(err)
	}
	recordings, err := filepath.Abs(filepath.Join("..", "..", "tuner", "replay", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	best, err := filepath.Abs(filepath.Join("testdata", "best.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("OPS", ops)
			e.Setenv("RECORDINGS", recordings)
			e.Setenv("BEST", best)
			e.Setenv("SHARED", shared)
			e.Values[serverKey{}] = &serverOfScript{}
			return nil
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "native":
				return len(schedules.HostISAs()) > 0, nil
			case "shared":
				_, err := os.Stat(shared)
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      cmdExits,
			"waittrials": cmdWaitTrials,
			"waitfile":   cmdWaitFile,
			"freeport":   cmdFreePort,
			"waitport":   cmdWaitPort,
			"json":       cmdJSON,
			"oneline":    cmdOneLine,
			"truncate":   cmdTruncate,
			"flip":       cmdFlip,
			"edit":       cmdEdit,
			"floatmodel": cmdFloatModel,
			"picture":    cmdPicture,
			"newerlog":   cmdNewerLog,
			"serve":      cmdServe,
		},
	})
}

// cmdExits: "exits N PROGRAM ARG..." runs a program that must exit with status N.
func cmdExits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// cmdWaitTrials: "waittrials LOG N" waits until LOG has N trials.
func cmdWaitTrials(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		log, err := logs.Open(ts.MkAbs(args[0]), logs.Options{ReadOnly: true})
		if err != nil {
			continue // not there yet
		}
		counts, err := log.Stats(context.Background())
		ts.Check(err)
		ts.Check(log.Close())
		if counts.Trials >= want {
			return
		}
	}
	ts.Fatalf("%s did not reach %d trials", args[0], want)
}

// cmdWaitFile: "waitfile FILE" waits until FILE exists.
func cmdWaitFile(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s does not appear", args[0])
}

// cmdFreePort: "freeport VAR" sets VAR to an address of this machine on which
// nobody listens.
func cmdFreePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	ts.Check(l.Close())
}

// cmdWaitPort: "waitport ADDRESS" waits until somebody listens there.
func cmdWaitPort(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", args[0]); err == nil {
			ts.Check(c.Close())
			return
		}
	}
	ts.Fatalf("nobody listens on %s", args[0])
}

// cmdJSON: "json FILE" checks that FILE (or stdout) is one JSON value.
func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	if valid := json.Valid([]byte(ts.ReadFile(args[0]))); valid == neg {
		ts.Fatalf("%s: valid JSON is %v", args[0], valid)
	}
}

// cmdOneLine: "oneline FILE" checks that FILE (or stderr) is one line by tune.
func cmdOneLine(ts *testscript.TestScript, _ bool, args []string) {
	text, whole := strings.CutSuffix(ts.ReadFile(args[0]), "\n")
	if !whole || !strings.HasPrefix(text, "tune: ") || strings.Contains(text, "\n") {
		ts.Fatalf("%s is not one line by tune: %q", args[0], text)
	}
}

// cmdTruncate: "truncate FROM TO N" copies the first N bytes.
func cmdTruncate(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(ts.ReadFile(args[0]))[:n], 0o644))
}

// cmdFlip: "flip FROM TO N" copies with all bits of byte N changed.
func cmdFlip(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	file := []byte(ts.ReadFile(args[0]))
	file[n] ^= 0xff
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), file, 0o644))
}

// cmdEdit: "edit FROM TO REGEXP TEXT..." copies with all matches replaced.
func cmdEdit(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	for i := 2; i+1 < len(args); i += 2 {
		text = regexp.MustCompile(args[i]).ReplaceAllString(text, args[i+1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o644))
}

// cmdFloatModel: "floatmodel FROM TO" copies a network with all activations
// declared as float32.
func cmdFloatModel(ts *testscript.TestScript, _ bool, args []string) {
	file := []byte(ts.ReadFile(args[0]))
	model := fb.GetRootAsModel(file, 0)
	var (
		graph  fb.SubGraph
		tensor fb.Tensor
		buffer fb.Buffer
	)
	model.Subgraphs(&graph, 0)
	for i := range graph.TensorsLength() {
		graph.Tensors(&tensor, i)
		if model.Buffers(&buffer, int(tensor.Buffer())); buffer.DataLength() == 0 {
			tensor.MutateType(0) // FLOAT32
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), file, 0o644))
}

// cmdPicture: "picture FILE SEED" writes a PNG of 40x30 pixels.
func cmdPicture(ts *testscript.TestScript, _ bool, args []string) {
	seed, err := strconv.Atoi(args[1])
	ts.Check(err)
	img := image.NewRGBA(image.Rect(0, 0, 40, 30))
	for i := range img.Pix {
		img.Pix[i] = byte(i*(seed+7) + i/97*seed)
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(png.Encode(f, img))
	ts.Check(f.Close())
}

// cmdNewerLog: "newerlog FILE" makes a log look like one of a newer version.
func cmdNewerLog(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite3", ts.MkAbs(args[0])) // the driver that logs registers
	ts.Check(err)
	_, err = db.Exec("PRAGMA user_version = 9999")
	ts.Check(err)
	ts.Check(db.Close())
}
