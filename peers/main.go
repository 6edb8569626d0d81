// Command peers compares qtune with ONNX Runtime: the same networks, in the same
// minutes, on the same cores. It writes each network of qnn/zoo as ONNX models
// (peers/export), has ONNX Runtime compute them in a Node.js process (peers/ort),
// checks that results agree, and times both engines in turns. README.md has the
// commands.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"qtune/kernels"
	"qtune/kernels/module"
	"qtune/logs"
	"qtune/schedules"
)

// flags are the command line.
type flags struct {
	models    []string
	threads   []int
	log       string
	rounds    int
	turn      int
	depthwise bool
	exact     bool
	json      string
	markdown  string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	f, err := parseFlags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(2)
	}
	if err := compare(ctx, f, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

const allModels = "mobilenet_v1,mobilenet_v2,inception_v1,inception_v2,inception_v3,inception_v4,resnet_50"

// parseFlags reads the command line; errors are of wrong usage.
func parseFlags(args []string) (*flags, error) {
	var f flags
	var models, threads string
	set := flag.NewFlagSet("peers", flag.ContinueOnError)
	set.StringVar(&models, "models", allModels, "`names` of networks of qnn/zoo, without _int8")
	set.StringVar(&threads, "threads", "1,2", "`numbers` of threads")
	set.StringVar(&f.log, "log", "", "tuning log, an SQLite `file` (default: default schedules)")
	set.IntVar(&f.rounds, "rounds", 10, "rounds, in each of which every contender has a turn")
	set.IntVar(&f.turn, "turn", 10, "inferences of a turn that are timed; one more goes before")
	set.BoolVar(&f.depthwise, "depthwise", false, "time the networks' depthwise layers alone, not the networks")
	set.BoolVar(&f.exact, "exact", false, "ONNX Runtime must not saturate sums on CPUs without VNNI")
	set.StringVar(&f.json, "json", "", "also write everything, every single time too, to a `file`")
	set.StringVar(&f.markdown, "markdown", "", "also write tables to a `file`")
	set.SetOutput(io.Discard) // errors are reported once, by main
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		set.SetOutput(os.Stderr)
		set.PrintDefaults()
		return nil, err
	} else if err != nil {
		return nil, err
	}
	f.models = strings.Split(models, ",")
	for _, word := range strings.Split(threads, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("--threads %q: want numbers of 1 or more between commas", threads)
		}
		f.threads = append(f.threads, n)
	}
	switch {
	case set.NArg() > 0:
		return nil, fmt.Errorf("unknown argument %q", set.Arg(0))
	case f.rounds < 1 || f.turn < 1:
		return nil, errors.New("--rounds and --turn must be 1 or more")
	}
	return &f, nil
}

// compare does what the flags ask for and prints text to w as it goes.
func compare(ctx context.Context, f *flags, w io.Writer) error {
	options, done, err := compileOptions(ctx, f.log)
	if err != nil {
		return err
	}
	defer done()
	report := newReport(f, options.ISA)
	for _, threads := range f.threads {
		s, err := newStage(ctx, f, options, threads)
		if err != nil {
			return err
		}
		if report.Version, err = s.engine.Version(); err == nil {
			err = s.all(report, w)
		}
		if err = errors.Join(err, s.close()); err != nil {
			return err
		}
	}
	return report.write(f)
}

// compileOptions returns how our networks are compiled, for the best target of
// this CPU and with what the log knows, and what to call afterwards.
func compileOptions(ctx context.Context, path string) (module.Options, func(), error) {
	isas := kernels.SupportedISAs()
	if len(isas) == 0 {
		return module.Options{}, nil, errors.New("this CPU executes none of the targets")
	}
	options := module.Options{ISA: isas[0]}
	if path == "" {
		return options, func() {}, nil
	}
	log, err := logs.Open(path, logs.Options{ReadOnly: true})
	if err != nil {
		return options, nil, err
	}
	options.Choose = logs.Chooser(ctx, log, schedules.HostMachine())
	return options, func() { log.Close() }, nil
}

// write writes the files that the flags ask for.
func (r *report) write(f *flags) error {
	if f.json != "" {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(f.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if f.markdown != "" {
		return os.WriteFile(f.markdown, []byte(r.tables()), 0o644)
	}
	return nil
}
