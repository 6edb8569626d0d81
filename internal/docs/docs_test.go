// Package docs checks that the documents at the top of the repository do not
// name what is not there any more.
package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// quoted is code in a document: `like/this`.
var quoted = regexp.MustCompile("`([^`\\s]+)`")

// missing returns the paths that text names and that do not exist below root.
// A path is quoted and starts with one of the top-level folders or files.
func missing(root, text string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var bad []string
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		path := strings.TrimPrefix(m[1], "./")
		top, _, nested := strings.Cut(path, "/")
		for _, e := range entries {
			if e.Name() != top || !nested && !e.IsDir() {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				bad = append(bad, path)
			}
		}
	}
	return bad, nil
}

func TestDocumentsNameWhatExists(t *testing.T) {
	root := filepath.Join("..", "..")
	for _, name := range []string{"README.md", "RATIONALE.md"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		bad, err := missing(root, string(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range bad {
			t.Errorf("%s names %s, which does not exist", name, path)
		}
	}
}

func TestMissingPathsAreFound(t *testing.T) {
	bad, err := missing(filepath.Join("..", ".."), "see `internal/docs`, `internal/nowhere` and `other/thing`")
	if err != nil || len(bad) != 1 || bad[0] != "internal/nowhere" {
		t.Errorf("found %q, %v", bad, err)
	}
}
