package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"qtune/kernels/module"
	"qtune/qnn"
	"qtune/qnn/ref"
)

// evalFlags are the flags of "tune eval".
type evalFlags struct {
	model     modelFlag
	compile   compileFlags
	images    string
	labels    string
	truth     string
	top       int
	reference bool
	json      bool
}

func evalCommand() *cobra.Command {
	var f evalFlags
	c := &cobra.Command{
		Use:   "eval --model M.tflite --images DIR [--labels FILE] [--truth FILE]",
		Short: "Classify a folder of pictures, and count the right answers",
		Long: `Classify all pictures (BMP, PNG, JPEG) of a folder, several at a time: every core
decodes and infers on its own. A picture that cannot be read is named and counted,
and makes the exit status 1 at the end.

--truth is a file of lines "PICTURE CLASS", the class a label of --labels or its
number; with it the share of right answers (top 1 and top 5) is counted.
--reference compares each output with that of the reference interpreter, which
is slow; all must be equal.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return eval(c, &f) },
	}
	f.model.register(c)
	f.compile.register(c)
	c.Flags().StringVar(&f.images, "images", "", "folder of pictures")
	c.Flags().StringVar(&f.labels, "labels", "", "file with a label a line")
	c.Flags().StringVar(&f.truth, "truth", "", "file with the class of each picture")
	c.Flags().IntVar(&f.top, "top", 1, "number of classes to print for each picture")
	c.Flags().BoolVar(&f.reference, "reference", false, "compare with the reference interpreter")
	registerJSON(c, &f.json)
	return c
}

// An evalReport is what "tune eval" prints.
type evalReport struct {
	Model       string      `json:"model"`
	Images      []evalImage `json:"images"`
	Failed      int         `json:"failed"`
	Seconds     float64     `json:"seconds"`
	Interrupted bool        `json:"interrupted,omitempty"`
	Accuracy    *accuracy   `json:"accuracy,omitempty"`
	Reference   *equality   `json:"reference,omitempty"`
}

type evalImage struct {
	File  string  `json:"file"`
	Error string  `json:"error,omitempty"`
	Top   []class `json:"top,omitempty"`
	// Differs: the output is not that of the reference interpreter.
	Differs bool `json:"differs,omitempty"`
	done    bool
	five    []int // classes of the five best
}

type accuracy struct {
	Images int `json:"images"` // with a known class
	Top1   int `json:"top1"`
	Top5   int `json:"top5"`
}

type equality struct {
	Images int `json:"images"`
	Equal  int `json:"equal"`
}

func eval(c *cobra.Command, f *evalFlags) error {
	if f.images == "" {
		return usageErrorf("--images is missing")
	}
	if err := checkNotNegative("--top", f.top); err != nil {
		return err
	}
	g, err := f.model.load()
	if err != nil {
		return err
	}
	if err := checkClassifier(g); err != nil {
		return fmt.Errorf("%s: %w", f.model.path, err)
	}
	labels, err := readLabels(f.labels)
	if err != nil {
		return err
	}
	files, err := pictures(f.images)
	if err != nil {
		return err
	}
	var truth map[string]int
	if f.truth != "" {
		if truth, err = readTruth(f.truth, files, labels, g.Tensors[g.Outputs[0]].Shape.Elems()); err != nil {
			return err
		}
	}
	m, err := f.compile.compile(c, g, f.model.path)
	if err != nil {
		return err
	}
	defer m.Close()
	e := &evaluation{flags: f, g: g, labels: labels, files: files, images: make([]evalImage, len(files)), progress: newLine(c.ErrOrStderr())}
	start := time.Now()
	err = e.run(c.Context(), m, f.compile.threads)
	rep := e.report(truth, time.Since(start))
	if err != nil && c.Context().Err() == nil {
		return err
	}
	rep.Interrupted = err != nil
	if f.json {
		if err := writeJSON(c.OutOrStdout(), rep); err != nil {
			return err
		}
	} else if err := rep.print(c.OutOrStdout()); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	return rep.failure()
}

// checkClassifier refuses networks that do not make classes of a picture.
func checkClassifier(g *qnn.Graph) error {
	if len(g.Inputs) != 1 {
		return fmt.Errorf("%d inputs; eval needs a network of one picture", len(g.Inputs))
	}
	if t := &g.Tensors[g.Inputs[0]]; len(t.Shape) != 4 || t.Shape[0] != 1 || t.Shape[3] != 1 && t.Shape[3] != 3 || !t.Type.Is8Bit() {
		return fmt.Errorf("the input is %s %s; eval needs a network of one picture", t.Type, t.Shape)
	}
	if t := &g.Tensors[g.Outputs[0]]; realValues(t, make([]byte, t.Bytes())) == nil {
		return fmt.Errorf("the output is %s %s, which is not the values of classes", t.Type, t.Shape)
	}
	return nil
}

// pictures lists the picture files of a folder by name.
func pictures(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		switch strings.ToLower(filepath.Ext(e.Name())) {
		case ".bmp", ".png", ".jpg", ".jpeg":
			files = append(files, e.Name())
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("--images %s: no .bmp, .png, .jpg or .jpeg file", dir)
	}
	return files, nil
}

// An evaluation is an eval at work.
type evaluation struct {
	flags  *evalFlags
	g      *qnn.Graph
	labels []string
	files  []string
	images []evalImage

	mu       sync.Mutex // guards progress and done
	progress *line
	done     int
}

// run classifies all pictures, on as many clones of m as there are cores for.
func (e *evaluation) run(ctx context.Context, m *module.Module, threads int) error {
	workers := min(max(runtime.NumCPU()/threads, 1), len(e.files))
	next := make(chan int)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(next)
		for i := range e.files {
			select {
			case next <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range workers {
		group.Go(func() error {
			clone, err := m.Clone()
			if err != nil {
				return err
			}
			defer clone.Close()
			for i := range next {
				if err := e.classify(clone, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	e.progress.clear()
	return err
}

// classify fills e.images[i]. What is wrong with a picture is no error.
func (e *evaluation) classify(m *module.Module, i int) error {
	r := evalImage{File: e.files[i], done: true}
	input, err := readInput(&e.g.Tensors[e.g.Inputs[0]], filepath.Join(e.flags.images, e.files[i]))
	if err != nil {
		r.Error = err.Error()
	} else {
		outputs, err := m.Run([][]byte{input})
		if err != nil {
			return err
		}
		best := topClasses(&e.g.Tensors[e.g.Outputs[0]], outputs[0], e.labels, max(e.flags.top, 5))
		for _, k := range best[:min(5, len(best))] {
			r.five = append(r.five, k.Index)
		}
		r.Top = best[:min(e.flags.top, len(best))]
		if e.flags.reference {
			vals, err := ref.Run(e.g, [][]byte{input})
			if err != nil {
				return err
			}
			for k, want := range vals.Outputs(e.g) {
				r.Differs = r.Differs || !bytes.Equal(outputs[k], want)
			}
		}
	}
	e.images[i] = r
	e.mu.Lock()
	defer e.mu.Unlock()
	e.done++
	e.progress.show(fmt.Sprintf("%d of %s", e.done, plural(len(e.files), "picture")))
	return nil
}

// report sums up what was done.
func (e *evaluation) report(truth map[string]int, d time.Duration) *evalReport {
	rep := &evalReport{Model: e.flags.model.path, Seconds: d.Seconds()}
	if truth != nil {
		rep.Accuracy = &accuracy{}
	}
	if e.flags.reference {
		rep.Reference = &equality{}
	}
	for _, r := range e.images {
		if !r.done {
			continue
		}
		rep.Images = append(rep.Images, r)
		if r.Error != "" {
			rep.Failed++
			continue
		}
		if want, known := truth[r.File]; known {
			rep.Accuracy.Images++
			if r.five[0] == want {
				rep.Accuracy.Top1++
			}
			if slices.Contains(r.five, want) {
				rep.Accuracy.Top5++
			}
		}
		if rep.Reference != nil {
			rep.Reference.Images++
			if !r.Differs {
				rep.Reference.Equal++
			}
		}
	}
	return rep
}

func (r *evalReport) print(w io.Writer) error {
	t := newTable("picture", "class", ">value")
	for _, i := range r.Images {
		if i.Error != "" {
			t.add(i.File, "failed: "+i.Error, "")
			continue
		}
		file := i.File
		for _, k := range i.Top {
			t.add(file, k.Label, fmt.Sprintf("%.6g", k.Value))
			file = ""
		}
	}
	if err := t.write(w); err != nil {
		return err
	}
	state := ""
	if r.Interrupted {
		state = ", interrupted"
	}
	fmt.Fprintf(w, "%s, %d failed, %.1f/s%s\n", plural(len(r.Images), "picture"), r.Failed, float64(len(r.Images))/r.Seconds, state)
	if a := r.Accuracy; a != nil {
		n := float64(a.Images)
		fmt.Fprintf(w, "right: top 1 %s, top 5 %s of %s with a known class\n", percent(float64(a.Top1), n), percent(float64(a.Top5), n), plural(a.Images, "picture"))
	}
	if q := r.Reference; q != nil {
		fmt.Fprintf(w, "equal to the reference: %d of %d\n", q.Equal, q.Images)
	}
	return nil
}

// failure is the error that the report ends with, if any.
func (r *evalReport) failure() error {
	for _, i := range r.Images {
		if i.Differs {
			return fmt.Errorf("%s: the output differs from the reference", i.File)
		}
	}
	for _, i := range r.Images {
		if i.Error != "" {
			return fmt.Errorf("%s failed, the first: %s", plural(r.Failed, "picture"), i.Error)
		}
	}
	return nil
}
