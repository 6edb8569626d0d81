package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// readTruth reads lines "PICTURE CLASS", with blanks or a tab between, of
// pictures among files; the class is one of labels or a number below classes.
// Empty lines and lines that start with # are comments.
func readTruth(path string, files, labels []string, classes int) (map[string]int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	truth := map[string]int{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		file, class, err := parseTruth(line, labels, classes)
		_, twice := truth[file]
		switch {
		case err != nil:
		case !slices.Contains(files, file):
			err = fmt.Errorf("no picture %q in the folder", file)
		case twice:
			err = fmt.Errorf("a second class of %q", file)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		truth[file] = class
	}
	if len(truth) == 0 {
		return nil, fmt.Errorf("%s: no line with a picture and its class", path)
	}
	return truth, nil
}

// parseTruth reads one line.
func parseTruth(line string, labels []string, classes int) (file string, class int, err error) {
	file, name, ok := strings.Cut(line, "\t")
	if !ok {
		file, name, ok = strings.Cut(line, " ")
	}
	name = strings.TrimSpace(name)
	if !ok || name == "" {
		return "", 0, fmt.Errorf("%q is not a picture and its class", line)
	}
	if class = slices.Index(labels, name); class < 0 {
		if class, err = strconv.Atoi(name); err != nil {
			return "", 0, fmt.Errorf("%q is no label and no number of a class", name)
		}
	}
	if class < 0 || class >= classes {
		return "", 0, fmt.Errorf("class %d: the network has classes 0 to %d", class, classes-1)
	}
	return file, class, nil
}
