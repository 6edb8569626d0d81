package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestLogFormats(t *testing.T) {
	for _, format := range []string{"", "text", "json"} {
		for _, verbose := range []bool{false, true} {
			var out bytes.Buffer
			c := &cobra.Command{}
			c.SetErr(&out)
			var f logFormat
			f.register(c)
			if format != "" {
				if err := c.Flags().Set("log-format", format); err != nil {
					t.Fatal(err)
				}
			}
			log := f.logger(c, verbose)
			log.Info("job ended", "job", 7)
			log.Debug("batch")
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if json.Valid([]byte(lines[0])) != (format == "json") || len(lines) > 1 != verbose || !strings.Contains(lines[0], "job ended") {
				t.Errorf("%q, verbose %v:\n%s", format, verbose, &out)
			}
		}
	}
}
