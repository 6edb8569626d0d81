package api

import (
	"errors"
	"strings"
	"testing"
)

func TestCleanName(t *testing.T) {
	for text, want := range map[string]string{
		"net.tflite":                  "net.tflite",
		"/etc/../passwd":              "passwd",
		`C:\models\net`:               "net",
		" a\x00b\n\u202e<i>\xff ":     "ab<i>",
		"":                            "unnamed",
		"../":                         "unnamed",
		strings.Repeat("\u00e9", 200): strings.Repeat("\u00e9", maxName/2),
	} {
		if got := CleanName(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestCheckHash(t *testing.T) {
	good := strings.Repeat("0af9", 16)
	if err := CheckHash(good); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"", good[1:], good + "0", strings.ToUpper(good), "../" + good[3:], strings.Repeat("\u00e9", 32)} {
		if CheckHash(text) == nil {
			t.Errorf("%q is taken for a hash", text)
		}
	}
}

func TestDecode(t *testing.T) {
	spec := DefaultSpec()
	if err := Decode(strings.NewReader(`{"model": "x", "seed": 0} `), &spec); err != nil || spec.Seed != 0 || spec.Trials != 1000 || spec.Model != "x" {
		t.Errorf("%+v, %v", spec, err)
	}
	for _, text := range []string{``, `{`, `{"model":"x"}{}`, `{"model":"x"} x`, `{"trails":1}`, `[]`, `{"trials":1.5}`, `{"seed":-1}`} {
		if err := Decode(strings.NewReader(text), &spec); err == nil || errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := Decode(strings.NewReader(strings.Repeat(" ", MaxBody)+"{}"), &spec); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a body that is too large: %v", err)
	}
}
