package logs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// sharedWriter is the environment variable that makes this test binary one of
// several writers of the log it names.
const sharedWriter = "QTUNE_TEST_SHARED_WRITER"

const (
	writers       = 4
	writerBatches = 40
	writerBatch   = 5
)

// writeShared is a writer: sessions, small batches, finals, with the log opened
// anew in between, as by tuners that come and go.
func writeShared(path string) error {
	n, err := strconv.Atoi(os.Getenv(sharedWriter + "_N"))
	if err != nil {
		return err
	}
	ctx := context.Background()
	for part := range 4 {
		l, err := Open(path, Options{})
		if err != nil {
			return err
		}
		s, err := l.BeginSession(ctx, "writer", uint64(n))
		if err != nil {
			return err
		}
		for b := range writerBatches / 4 {
			var trials []Trial
			for i := range writerBatch {
				t := trial(convA, zen4, 1+i+writerBatch*(b+writerBatches/4*part)+1000*n, 100)
				t.Session = s.ID
				trials = append(trials, t)
			}
			if err := l.Append(ctx, trials); err != nil {
				return err
			}
		}
		f := heldFinal("mr=6 nv=2", 1+n, 90+float64(part), 100)
		if err := l.RecordFinal(ctx, f); err != nil {
			return err
		}
		if err := l.EndSession(ctx, s.ID); err != nil {
			return err
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

// Processes that write to one log at the same time, from before it exists, lose
// nothing, and none fails.
func TestWritersShareALog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tune.db")
	var running []*exec.Cmd
	var outs [writers]bytes.Buffer
	for n := range writers {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), sharedWriter+"="+path, fmt.Sprintf("%s_N=%d", sharedWriter, n))
		cmd.Stdout, cmd.Stderr = &outs[n], &outs[n]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, cmd)
	}
	for n, cmd := range running {
		if err := cmd.Wait(); err != nil {
			t.Errorf("writer %d: %v\n%s", n, err, &outs[n])
		}
	}
	l := open(t, path, Options{ReadOnly: true})
	seen := map[int]bool{}
	for _, tr := range allTrials(t, l) {
		seen[tr.Schedule.Int("mr", 0)] = true
	}
	c, err := l.Stats(t.Context())
	if err != nil || len(seen) != writers*writerBatches*writerBatch || c.Finals != writers || c.Sessions != 4*writers {
		t.Errorf("%d trials, %+v, %v", len(seen), c, err)
	}
	if found, err := l.Verify(t.Context()); err != nil {
		t.Error(found, err)
	}
}
