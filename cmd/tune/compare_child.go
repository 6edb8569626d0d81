package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"qtune/logs"
	"qtune/qnn/tflite"
	"qtune/service"
	"qtune/service/api"
)

// compareName is the hidden subcommand in which a service measures whole networks:
// whatever a network does there, the service lives on.
const compareName = "compare-child"

func compareCommand() *cobra.Command {
	return &cobra.Command{
		Use:    compareName,
		Short:  "Compare a network before and after its tuning, for a parent process",
		Hidden: true,
		Args:   noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			latency, err := compareFor(c.Context(), c.InOrStdin())
			if err != nil {
				return err
			}
			return json.NewEncoder(c.OutOrStdout()).Encode(latency)
		},
	}
}

// compareFor reads what to compare. The end of the input after that ends the
// comparison: the parent has gone.
func compareFor(ctx context.Context, in io.Reader) (latency *api.Latency, err error) {
	var q service.Comparison
	d := json.NewDecoder(in)
	if err := d.Decode(&q); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, in) // however it ends
		cancel()
	}()
	file, err := os.ReadFile(q.Model)
	if err != nil {
		return nil, err
	}
	g, err := tflite.Import(file)
	if err != nil {
		return nil, err
	}
	log, err := logs.Open(q.Log, logs.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	p := comparison{g, log, q.Session, q.ISA, q.Threads, q.Tasks, func(string) {}}
	return p.run(ctx)
}

// compareInChild is the Compare of a service that measures on this machine.
func compareInChild(ctx context.Context, q service.Comparison) (*api.Latency, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	request, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	child := exec.CommandContext(ctx, self, compareName)
	var out, messages bytes.Buffer
	child.Stdout, child.Stderr = &out, &messages
	in, err := child.StdinPipe() // open until it has ended
	if err != nil {
		return nil, err
	}
	if err := child.Start(); err != nil {
		return nil, err
	}
	_, sent := in.Write(request)
	if err := child.Wait(); err != nil {
		if last := lastLine(messages.String()); last != "" {
			err = errors.New(last)
		}
		return nil, err
	}
	latency := new(api.Latency)
	if err := errors.Join(sent, json.Unmarshal(out.Bytes(), latency)); err != nil {
		return nil, fmt.Errorf("the process that compares: %w", err)
	}
	return latency, nil
}

// lastLine is where a process says what went wrong.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
