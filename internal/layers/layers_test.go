package layers

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// listed is what the go command says about one package.
type listed struct {
	Package
	Standard bool
}

// goList returns the packages that args select.
func goList(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Deps,Standard"}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var packages []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); err == io.EOF {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func TestPackagesKeepTheOrder(t *testing.T) {
	var packages []Package
	for _, p := range goList(t, "qtune/...") {
		packages = append(packages, p.Package)
	}
	if !slices.ContainsFunc(packages, func(p Package) bool { return slices.Contains(p.Deps, "qtune/qnn") }) {
		t.Fatal("no package depends on qtune/qnn: this test looks at the wrong thing")
	}
	for _, fault := range Violations("qtune", packages) {
		t.Error(fault)
	}
}

// The vocabulary of everything must not bring a library along.
func TestQnnUsesTheStandardLibraryOnly(t *testing.T) {
	for _, p := range goList(t, "-deps", "qtune/qnn") {
		if !p.Standard && p.ImportPath != "qtune/qnn" {
			t.Errorf("qtune/qnn depends on %s", p.ImportPath)
		}
	}
}

func TestViolationsAreFound(t *testing.T) {
	for _, c := range []struct {
		name string
		p    Package
		want int
	}{
		{"downward", Package{"m/tuner", []string{"fmt", "m/qnn", "m/logs", "m/internal/x"}}, 0},
		{"same folder", Package{"m/kernels/module", []string{"m/kernels", "m/kernels/x86"}}, 0},
		{"other module", Package{"m/qnn", []string{"other/cmd"}}, 0},
		{"upward", Package{"m/schedules", []string{"m/kernels"}}, 1},
		{"upward from a subfolder", Package{"m/qnn/ref", []string{"m/qnn", "m/tuner", "m/measure/local"}}, 2},
		{"internal is the lowest", Package{"m/internal/x", []string{"m/qnn"}}, 1},
		{"unknown folder", Package{"m/util", nil}, 1},
	} {
		if got := Violations("m", []Package{c.p}); len(got) != c.want {
			t.Errorf("%s: %q, want %d faults", c.name, got, c.want)
		}
	}
	if !slices.IsSortedFunc([]string{"qnn", "schedules", "kernels", "measure", "logs", "tuner", "service", "cmd", "peers"}, func(a, b string) int {
		return slices.Index(order, a) - slices.Index(order, b)
	}) {
		t.Error("the order is not the one of the package comment")
	}
}
