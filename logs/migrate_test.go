package logs

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A log of schema version 1 stays readable: testdata/v1.sql is one as
// version 1 wrote it. Each new version adds its own.
func TestOldVersions(t *testing.T) {
	fixtures, err := filepath.Glob("testdata/v*.sql")
	if err != nil || len(fixtures) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, name := range fixtures {
		l := open(t, fixture(t, name), Options{})
		got := allTrials(t, l)
		if len(got) != 2 || got[0].Workload != convA || got[0].SamplesNS[1] != 100 || got[1].Status != "crash" {
			t.Errorf("%s: %+v", name, got)
		}
		r, source, err := l.Best(t.Context(), query(convA, zen4))
		if err != nil || source != Exact || !r.Final || r.CenterNS != 50 {
			t.Errorf("%s: best is %+v, %v, %v", name, r, source, err)
		}
		found, err := l.Verify(t.Context())
		found = slices.DeleteFunc(found, func(e error) bool { return errors.As(e, new(*ClockError)) }) // its times are invented
		if err != nil || len(found) > 0 {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
}

// fixture makes a log from an SQL text.
func fixture(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tune.db")
	damage(t, path, string(text))
	return path
}

func TestMigrate(t *testing.T) {
	path := fixture(t, "testdata/v1.sql")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ms, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	version := func() (v int) {
		if err := db.QueryRow("PRAGMA user_version").Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	broken := append(ms[:1:1], migration{"0002_broken.sql", "ALTER TABLE trials ADD COLUMN extra TEXT; SELECT nonsense FROM nowhere"})
	if err := migrate(db, 1, broken); err == nil || !strings.Contains(err.Error(), "0002_broken.sql") || version() != 1 {
		t.Errorf("a broken migration: %v, version %d", err, version())
	}
	next := append(ms[:1:1],
		migration{"0002_more.sql", "ALTER TABLE trials ADD COLUMN extra TEXT NOT NULL DEFAULT 'x'"},
		migration{"0003_more.sql", "CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT"},
		migration{"0004_more.sql", "CREATE INDEX more_by_id ON more (id)"})
	if err := migrate(db, 1, next); err != nil || version() != 4 {
		t.Fatalf("%v, version %d", err, version())
	}
	var rows int
	if err := db.QueryRow("SELECT count(*) FROM trials WHERE extra = 'x'").Scan(&rows); err != nil || rows != 2 {
		t.Errorf("%d rows are left, %v", rows, err)
	}
	if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("a log of version 4: %v", err)
	}
}

// Who only reads an old log brings it up to date, unless it is frozen.
func TestReaderOfOldLog(t *testing.T) {
	path := fixture(t, "testdata/v1.sql")
	_, err := Open(path, Options{Frozen: true})
	checkOneLine(t, err, path)
	if err != nil && !strings.Contains(err.Error(), "schema version 1 of 3") {
		t.Error(err)
	}
	l := open(t, path, Options{ReadOnly: true})
	if got := allTrials(t, l); len(got) != 2 {
		t.Errorf("%d trials", len(got))
	}
	l.Close()
	if got := allTrials(t, open(t, path, Options{Frozen: true})); len(got) != 2 {
		t.Errorf("%d trials, frozen", len(got))
	}
	broken := fixture(t, "testdata/v1.sql")
	damage(t, broken, "DROP TABLE workloads")
	_, err = Open(broken, Options{ReadOnly: true})
	checkOneLine(t, err, broken)
}
