package logs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"qtune/kernels"
	"qtune/kernels/module"
	"qtune/logs"
	"qtune/qnn/tflite"
	"qtune/schedules"
)

// A service loads a network, compiles it with what the log knows, and computes
// inferences at the same time, each worker on a clone of its own.
func Example() {
	ctx := context.Background()
	data, err := os.ReadFile("../qnn/ref/testdata/golden_ops/conv_u8_3x3_s2_same_even/model.tflite")
	if err != nil {
		fmt.Println(err)
		return
	}
	graph, err := tflite.Import(data)
	if err != nil {
		fmt.Println(err)
		return
	}

	log, err := logs.Open("tune.db", logs.Options{ReadOnly: true})
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // no log: default schedules
		fmt.Println(err)
		return
	}
	options := module.Options{ISA: schedules.Ref}
	if isas := kernels.SupportedISAs(); len(isas) > 0 {
		options = module.Options{
			ISA:     isas[0], // the fastest
			Choose:  logs.Chooser(ctx, log, schedules.HostMachine()),
			Threads: 1,
		}
	}
	network, err := module.Compile(graph, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer network.Close()

	image := make([]byte, graph.Tensors[graph.Inputs[0]].Bytes())
	for i := range image {
		image[i] = byte(i)
	}
	outputs, err := network.Run([][]byte{image})
	if err != nil {
		fmt.Println(err)
		return
	}
	want := bytes.Clone(outputs[0]) // the next Run overwrites it

	var workers sync.WaitGroup
	var mu sync.Mutex
	equal := 0
	for range 4 {
		clone, err := network.Clone()
		if err != nil {
			fmt.Println(err)
			return
		}
		workers.Go(func() {
			defer clone.Close()
			for range 10 {
				outputs, err := clone.Run([][]byte{image})
				if err != nil {
					fmt.Println(err)
					return
				}
				if bytes.Equal(outputs[0], want) {
					mu.Lock()
					equal++
					mu.Unlock()
				}
			}
		})
	}
	workers.Wait()
	fmt.Println(len(want), "bytes;", equal, "equal inferences")
	// Output: 240 bytes; 40 equal inferences
}
