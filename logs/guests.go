package logs

import (
	"context"
	"database/sql"
)

// A log's file can hold tables of others beside its own, under names that the log
// does not use: what they say then changes together with the file, and a backup
// has both. Nothing else in this package looks at them. They are not part of an
// export, and Merge does not copy them.

// Update runs f in a transaction that may write tables of others. It takes turns
// with all who write to the log, waits for the disk as Append does, and stores
// nothing where f fails. f must not use the Log.
func (l *Log) Update(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	return l.write(ctx, func(w *writer) error { return f(w.ctx, w.tx) })
}

// Query runs a query of tables of others, whose text is one of few: it is prepared
// once. The caller closes the rows.
func (l *Log) Query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, l.wrap(err)
	}
	return l.query(context.WithoutCancel(ctx), text, args...) // watching it would take longer than the query
}
