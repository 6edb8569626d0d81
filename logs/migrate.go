package logs

import (
	"database/sql"
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// A migration brings the schema from the version before to its own. Files in
// migrations/ are never changed once released: the next change is a new file.
type migration struct{ name, sql string }

// migrations returns the embedded ones; number i leads to version i+1.
func migrations() ([]migration, error) {
	entries, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		return nil, err
	}
	var ms []migration
	for _, e := range entries { // sorted by name
		text, err := migrationFiles.ReadFile(path.Join("migrations", e.Name()))
		if err != nil {
			return nil, err
		}
		if want := fmt.Sprintf("%04d_", len(ms)+1); !strings.HasPrefix(e.Name(), want) {
			return nil, fmt.Errorf("migration %s: its name must start with %s", e.Name(), want)
		}
		ms = append(ms, migration{e.Name(), string(text)})
	}
	return slices.Clip(ms), nil
}

// migrate brings the schema from a version to the newest, each step in a
// transaction of its own.
func migrate(db *sql.DB, version int, ms []migration) error {
	for ; version < len(ms); version++ {
		if err := step(db, version+1, ms[version]); err != nil {
			return fmt.Errorf("migration %s: %w", ms[version].name, err)
		}
	}
	return nil
}

func step(db *sql.DB, to int, m migration) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	marks := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, to)
	for _, text := range []string{m.sql, marks} {
		if _, err := tx.Exec(text); err != nil {
			return err
		}
	}
	return tx.Commit()
}
