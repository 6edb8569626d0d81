package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"qtune/logs"
	"qtune/tuner/model"
)

// priorSeed is the seed of training: a model is a function of its log.
const priorSeed = 1

// sqliteStart is what a log begins with.
const sqliteStart = "SQLite format 3\x00"

// readPrior reads a saved model, or trains one on a log or an export.
func readPrior(c *cobra.Command, path string) (*model.Prior, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewReader(f)
	head, _ := in.Peek(len(sqliteStart)) // a short file is neither
	switch {
	case strings.HasPrefix(string(head), sqliteStart):
		log, err := logs.Open(path, logs.Options{ReadOnly: true, Warn: warner(c)})
		if err != nil {
			return nil, err
		}
		defer log.Close()
		return model.Train(log.AllTrials(c.Context()), priorSeed)
	case strings.HasPrefix(string(head), model.FileStart):
		return model.Load(in)
	}
	return model.Train(logs.ReadTrials(in), priorSeed)
}

func trainCommand() *cobra.Command {
	var path, out string
	c := &cobra.Command{
		Use:   "train --log DB -o MODEL",
		Short: "Train a model on a log, for --prior: for other networks, or to ship",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if out == "" {
				return usageErrorf("train: -o is missing")
			}
			p, err := readPrior(c, path)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			var b bytes.Buffer
			if err := p.Save(&b); err != nil {
				return err
			}
			return writeWhole(out, b.Bytes())
		},
	}
	c.Flags().StringVar(&path, "log", defaultLog, "what to learn from: a log or an export")
	c.Flags().StringVarP(&out, "output", "o", "", "file to write")
	return c
}
