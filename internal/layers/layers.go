// Package layers holds the order of the project's packages and the check of it:
//
//	internal < qnn < schedules < kernels < measure < logs < tuner < service < cmd < peers
//
// A package may depend, directly or through others, on packages of its own
// folder and of folders further left, never on one further right. So whoever
// reads a folder has to know only what stands left of it. The test of this
// package runs the check on the module's real dependencies.
package layers

import (
	"fmt"
	"slices"
	"strings"
)

// order lists the top-level folders, lowest first.
var order = []string{"internal", "qnn", "schedules", "kernels", "measure", "logs", "tuner", "service", "cmd", "peers"}

// A Package is an import path with everything that it depends on, transitively.
type Package struct {
	ImportPath string
	Deps       []string
}

// Violations returns a line for each dependency among the packages of module
// that points to a higher folder, and for each package outside of the order.
func Violations(module string, packages []Package) []string {
	var faults []string
	for _, p := range packages {
		from, ok := rank(module, p.ImportPath)
		if !ok {
			faults = append(faults, fmt.Sprintf("%s is in no folder of the order", p.ImportPath))
			continue
		}
		for _, dep := range p.Deps {
			if to, ok := rank(module, dep); ok && to > from {
				faults = append(faults, fmt.Sprintf("%s depends on %s, but %s comes before %s", p.ImportPath, dep, order[from], order[to]))
			}
		}
	}
	return faults
}

// rank returns the place in order of the folder that path is in.
func rank(module, path string) (int, bool) {
	rest, ok := strings.CutPrefix(path, module+"/")
	if !ok {
		return 0, false
	}
	top, _, _ := strings.Cut(rest, "/")
	i := slices.Index(order, top)
	return i, i >= 0
}
