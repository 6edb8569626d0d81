// Command tune searches, for every convolution, depthwise and dense layer of a
// quantised network, the fastest way to compute it on this CPU, keeps what it
// measured in a log, and runs networks with the best that the log knows.
//
//	tune --model M.tflite --trials 2000        search; again to continue
//	tune run --model M.tflite --input cat.bmp  infer with the best schedules
//
// This package only connects the others to flags, files and the terminal: one
// file for each command. Results go to standard output, as text or with --json
// as JSON; messages and progress go to standard error. See status for the exit
// status.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// The first signal ends the command in an orderly way, a second at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}
