package qnn

import (
	"strings"
	"testing"
)

func TestCut(t *testing.T) {
	g := smallGraph()
	c, err := g.Cut([]string{"sum", "conv"})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Nodes) != 3 || c.Outputs[0] != 7 || c.Outputs[1] != 3 || len(c.Inputs) != 1 {
		t.Errorf("%d nodes, outputs %v, inputs %v", len(c.Nodes), c.Outputs, c.Inputs)
	}
	if len(g.Nodes) != 6 || g.Outputs[0] != 12 {
		t.Error("the network itself changed")
	}
	for _, r := range []struct{ name, want string }{
		{"dence", `no computed tensor is named "dence"; did you mean "dense"?`},
		{"xyzzy-nothing", `no computed tensor is named "xyzzy-nothing"`},
		{"cw", `no computed tensor is named "cw"`}, // a constant
	} {
		if _, err := g.Cut([]string{r.name}); err == nil || !strings.HasPrefix(err.Error(), r.want) {
			t.Errorf("%s: error %v, want %s", r.name, err, r.want)
		}
	}
	if _, err := g.Cut(nil); err == nil {
		t.Error("no outputs: no error")
	}
}
