// Command make computes small random networks of one operator with TensorFlow
// Lite's interpreter, compares ref with it, and stores them as golden cases.
//
//	go run ./qnn/ref/testdata/make -oracle DIR [-run PATTERN] [-n CASES] [-seed S]
//		[-near] [-store qnn/ref/testdata/golden_ops]
//	go run ./qnn/ref/testdata/make -oracle DIR -graphs N [-seed S]
//
// The second form compares every tensor of random networks of many operators.
// The first tensor that differs is named; others follow from it. Some always do:
// where TensorFlow Lite converts a float32 beyond 2^31, and LOG and POW.
//
// Networks that the interpreter refuses are named and left out. Those that
// differ are named, and with -store not stored. With -near, float32 outputs may
// differ in the last place; such cases belong in golden_near.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"

	"qtune/qnn"
	"qtune/qnn/ref"
	"qtune/qnn/tflite"
)

func main() {
	log.SetFlags(0)
	oracle := flag.String("oracle", "", "folder of the interpreter, see run.js")
	script := flag.String("script", "qnn/ref/testdata/make/run.js", "path of run.js")
	count := flag.Int("n", 3, "cases for each operator")
	seed := flag.Uint64("seed", 1, "seed of the cases")
	run := flag.String("run", "", "pattern of the names of the cases to make")
	near := flag.Bool("near", false, "let float32 outputs differ in the last place")
	graphs := flag.Int("graphs", 0, "random networks of many operators, in place of cases")
	store := flag.String("store", "", "folder of golden cases to add to")
	flag.Parse()
	dir, err := os.MkdirTemp("", "golden")
	check(err)
	defer os.RemoveAll(dir)
	var cases []*oneCase
	args := []string{*script, *oracle}
	if *graphs > 0 {
		cases = randomNetworks(*graphs, *seed)
	} else {
		cases = oneOperator(regexp.MustCompile(*run), *count, *seed)
	}
	for _, c := range cases {
		c.write(dir)
		args = append(args, filepath.Join(dir, c.name))
	}
	node := exec.Command("node", args...)
	node.Stdout, node.Stderr = os.Stdout, os.Stderr
	check(node.Run())
	good := map[string]int{}
	for _, c := range cases {
		if !c.matches(dir, *near) {
			continue
		}
		good[c.g.Nodes[0].Op.OpName()]++
		if _, err := os.Stat(filepath.Join(*store, c.name)); *store != "" && *graphs == 0 && err != nil {
			check(os.CopyFS(filepath.Join(*store, c.name), os.DirFS(filepath.Join(dir, c.name))))
			c.list(filepath.Join(*store, "manifest.json"))
		}
	}
	fmt.Println(good)
}

// oneOperator returns count cases of each maker whose name matches, and such
// corners.
func oneOperator(only *regexp.Regexp, count int, seed uint64) []*oneCase {
	var cases []*oneCase
	for i, m := range slices.Concat(makers, numberMakers, quantizeMakers(), selectMakers) {
		if !only.MatchString(m.name) {
			continue
		}
		for k := range count {
			r := rand.New(rand.NewPCG(seed, uint64(1000*i+k)))
			cases = append(cases, newCase(r, fmt.Sprintf("%s_%d", m.name, k), m.make))
		}
	}
	for _, c := range corners() {
		if only.MatchString(c.name) {
			cases = append(cases, c)
		}
	}
	return cases
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// oneCase is a network with inputs.
type oneCase struct {
	name   string
	g      *qnn.Graph
	inputs [][]byte
}

func (c *oneCase) write(dir string) {
	dir = filepath.Join(dir, c.name)
	check(os.Mkdir(dir, 0o755))
	file, err := tflite.Export(c.g)
	if err != nil {
		log.Fatalf("%s: %v", c.name, err)
	}
	check(os.WriteFile(filepath.Join(dir, "model.tflite"), file, 0o644))
	for i, b := range c.inputs {
		check(os.WriteFile(filepath.Join(dir, fmt.Sprintf("random.in%d.bin", i)), b, 0o644))
	}
}

// matches compares ref with the interpreter.
func (c *oneCase) matches(dir string, near bool) bool {
	vals, err := ref.Run(c.g, c.inputs)
	check(err)
	for i, got := range vals.Outputs(c.g) {
		want, err := os.ReadFile(filepath.Join(dir, c.name, fmt.Sprintf("random.out%d.bin", i)))
		if err != nil {
			return false
		}
		if !bytes.Equal(got, want) && !(near && lastPlace(got, want)) {
			fmt.Printf("%s: output %d of %s differs\n", c.name, i, c.maker(i))
			return false
		}
	}
	return true
}

// lastPlace tells whether float32 outputs differ by one in their last place at
// most: as integers, neighbours of one sign differ by one.
func lastPlace(got, want []byte) bool {
	for i := 0; i < len(want); i += 4 {
		d := int64(int32(binary.LittleEndian.Uint32(got[i:]))) - int64(int32(binary.LittleEndian.Uint32(want[i:])))
		if d < -1 || d > 1 {
			return false
		}
	}
	return len(got) == len(want)
}

// list adds the case to the manifest.
func (c *oneCase) list(path string) {
	var m struct {
		Interpreter string                     `json:"interpreter"`
		Cases       map[string]json.RawMessage `json:"cases"`
	}
	b, err := os.ReadFile(path)
	check(err)
	check(json.Unmarshal(b, &m))
	e := struct {
		Op      string   `json:"op"`
		Inputs  []string `json:"inputs"`
		Outputs []string `json:"outputs"`
	}{Op: c.g.Nodes[0].Op.OpName()}
	for i := range c.inputs {
		e.Inputs = append(e.Inputs, fmt.Sprintf("random.in%d.bin", i))
	}
	for i := range c.g.Outputs {
		e.Outputs = append(e.Outputs, fmt.Sprintf("random.out%d.bin", i))
	}
	m.Cases[c.name], err = json.Marshal(e)
	check(err)
	b, err = json.MarshalIndent(m, "", " ")
	check(err)
	check(os.WriteFile(path, append(b, '\n'), 0o644))
}
