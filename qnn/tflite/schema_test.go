package tflite

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// schemaTables reads schema.fbs into lines such as "stride_w 1 scalar 4", by
// table, and the members of union BuiltinOptions by number.
func schemaTables(t *testing.T) (tables map[string][]string, union map[byte]string) {
	t.Helper()
	text, err := os.ReadFile("schema.fbs")
	if err != nil {
		t.Fatal(err)
	}
	src := regexp.MustCompile(`//.*`).ReplaceAllString(string(text), "")
	tables, union = map[string][]string{}, map[byte]string{}
	field := regexp.MustCompile(`(\w+):(\[?\w+\]?)(?: = \w+)? \(id: (\d+)(, \w+(?:: \d+)?)*\)`)
	for _, m := range regexp.MustCompile(`table (\w+) \{([^}]*)\}`).FindAllStringSubmatch(src, -1) {
		tables[m[1]] = nil
		for _, f := range field.FindAllStringSubmatch(m[2], -1) {
			if strings.Contains(f[0], ", deprecated") {
				continue
			}
			if f[2] == "BuiltinOptions" { // a union takes two ids
				id, _ := strconv.Atoi(f[3])
				tables[m[1]] = append(tables[m[1]], f[1]+"_type "+strconv.Itoa(id-1)+" scalar 1")
			}
			tables[m[1]] = append(tables[m[1]], f[1]+" "+f[3]+" "+storage(f[2]))
		}
	}
	members := regexp.MustCompile(`union BuiltinOptions \{([^}]*)\}`).FindStringSubmatch(src)[1]
	for _, m := range regexp.MustCompile(`(\w+) = (\d+)`).FindAllStringSubmatch(members, -1) {
		n, _ := strconv.Atoi(m[2])
		union[byte(n)] = m[1]
	}
	return tables, union
}

// storage is how a type of the schema is stored.
func storage(typ string) string {
	sizes := map[string]string{"byte": "1", "ubyte": "1", "bool": "1", "int": "4", "uint": "4", "float": "4", "long": "8", "ulong": "8"}
	inner := strings.Trim(typ, "[]")
	switch {
	case typ == "string":
		return "text"
	case typ == "BuiltinOptions":
		return "options"
	case typ != inner && sizes[inner] != "":
		return "vector " + sizes[inner]
	case typ != inner:
		return "childs " + inner
	case sizes[inner] != "":
		return "scalar " + sizes[inner]
	}
	return "child " + inner
}

// layoutTables describes what verify knows in the same form.
func layoutTables(l *layout, tables map[string][]string) {
	if _, ok := tables[l.name]; ok {
		return
	}
	tables[l.name] = nil
	for _, f := range l.fields {
		line := f.name + " " + strconv.Itoa(f.id) + " "
		switch f.kind {
		case scalar, vector:
			line += map[kind]string{scalar: "scalar ", vector: "vector "}[f.kind] + strconv.Itoa(f.size)
		case text:
			line += "text"
		case child, childs:
			line += map[kind]string{child: "child ", childs: "childs "}[f.kind] + f.of.name
			layoutTables(f.of, tables)
		case options:
			line += "options"
			for _, of := range f.union {
				layoutTables(of, tables)
			}
		}
		tables[l.name] = append(tables[l.name], line)
	}
}

// TestLayoutsMatchSchema: verify checks exactly what the accessors, which are
// generated from the schema, can reach.
func TestLayoutsMatchSchema(t *testing.T) {
	want, wantUnion := schemaTables(t)
	delete(want, "CustomQuantization") // only reached through a field without accessors
	got := map[string][]string{}
	layoutTables(modelLayout, got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("layout.go and schema.fbs (-) differ:\n%s", d)
	}
	union := map[byte]string{}
	for n, l := range optionLayouts {
		union[n] = l.name
	}
	if d := cmp.Diff(wantUnion, union); d != "" {
		t.Errorf("optionLayouts and schema.fbs (-) differ:\n%s", d)
	}
}

// TestGenerated: the accessors are what flatc makes of the schema.
func TestGenerated(t *testing.T) {
	if _, err := exec.LookPath("flatc"); err != nil {
		t.Skip("flatc is not installed")
	}
	if v, err := exec.Command("flatc", "--version").Output(); err != nil || !strings.Contains(string(v), "2.0.8") {
		t.Skipf("flatc is %q, %v; want 2.0.8", v, err)
	}
	dir := t.TempDir()
	if out, err := exec.Command("./generate.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want, got := files(t, filepath.Join(dir, "fb")), files(t, "fb")
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("package fb is not up to date, run go generate:\n%.2000s", d)
	}
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(b)
	}
	return out
}
