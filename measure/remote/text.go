package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// decode reads JSON that may be anything, of at most so many bytes. Where it is of
// another version, to holds what could be read all the same.
func decode(what string, most int, data []byte, to any) error {
	if len(data) > most {
		return fmt.Errorf("%s of %d bytes, at most %d are allowed", what, len(data), most)
	}
	err := json.Unmarshal(data, to)
	var kind *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &kind) { // after which it reads on
		return brief(what, err)
	}
	var head struct{ V int }
	if headErr := json.Unmarshal(data, &head); headErr != nil {
		return brief(what, headErr)
	}
	if head.V != Version {
		return &VersionError{"protocol", fmt.Sprint(head.V), fmt.Sprint(Version)}
	}
	if err != nil {
		return brief(what, err)
	}
	return nil
}

// brief makes one short line of an error that may repeat foreign text.
func brief(what string, err error) error {
	const most = 500
	text := cut(strings.ReplaceAll(err.Error(), "\n", "; "), most)
	if text == err.Error() {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %s", what, text)
}

// cut shortens a text, and takes out what a terminal would act on. What is not
// UTF-8 JSON would replace, by more bytes.
func cut(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || r != '\n' && r != '\t' && unicode.IsControl(r) {
			return '?'
		}
		return r
	}, s[:min(len(s), most)])
	return s
}

// clip shortens foreign text for a message.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// checkText accepts one printable line.
func checkText(what, text string) error {
	if len(text) > maxText {
		return fmt.Errorf("%s of %d bytes, at most %d are allowed", what, len(text), maxText)
	}
	if !printable(text) {
		return fmt.Errorf("%s %q is not printable", what, clip(text))
	}
	return nil
}

// printable tells whether a text is of printable ASCII characters.
func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r > '~' {
			return false
		}
	}
	return true
}

// checkAttempt bounds how many workers can have had a batch.
func checkAttempt(n int) error {
	const most = 1_000_000
	if n < 0 || n > most {
		return fmt.Errorf("attempt %d", n)
	}
	return nil
}
