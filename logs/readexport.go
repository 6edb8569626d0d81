package logs

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// ReadTrials yields the trials of an export, which may be compressed by gzip,
// without storing them, in its order. Sessions and finals are passed over. An error
// is of a line, which the reading goes on after, or of r.
func ReadTrials(r io.Reader) iter.Seq2[Trial, error] {
	return func(yield func(Trial, error) bool) {
		b, err := unzipped(r)
		if err != nil {
			yield(Trial{}, err)
			return
		}
		in, known := &lineReader{r: b}, newCache()
		for {
			text, err := in.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil && !errors.Is(err, errLongLine) {
				yield(Trial{}, fmt.Errorf("line %d: %w", in.number, err))
				return
			}
			var l trialLine
			var t Trial
			if err == nil && len(bytes.TrimSpace(text)) > 0 {
				err = json.Unmarshal(text, &l)
			}
			if err == nil && l.Kind == "trial" {
				t, err = l.trial(known)
			}
			if err != nil {
				err = fmt.Errorf("line %d: %w", in.number, err)
			} else if l.Kind != "trial" {
				continue
			}
			if !yield(t, err) {
				return
			}
		}
	}
}

// unzipped returns a reader of r's text.
func unzipped(r io.Reader) (*bufio.Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	if magic, err := b.Peek(2); err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return b, nil // what is wrong with it, its first line will say
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, err
	}
	return bufio.NewReaderSize(z, 64<<10), nil
}
