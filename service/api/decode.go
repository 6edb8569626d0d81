package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxBody bounds a request's JSON, in bytes.
const MaxBody = 64 << 10

// ErrTooLarge says that a body has more bytes than are allowed.
var ErrTooLarge = errors.New("too large")

// Decode reads the one JSON value of a request into v. It refuses fields that v
// does not have, since what is misspelt would be ignored, and anything after it.
func Decode(r io.Reader, v any) error {
	limited := &io.LimitedReader{R: r, N: MaxBody + 1}
	d := json.NewDecoder(limited)
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the JSON value")
		}
	}
	if limited.N <= 0 {
		return fmt.Errorf("a body of more than %d bytes: %w", MaxBody, ErrTooLarge)
	}
	if errors.Is(err, io.EOF) {
		return errors.New("the body is empty")
	}
	return err
}
