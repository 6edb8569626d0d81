package service

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"qtune/logs"
)

// Merge adds what an export of another log holds. It is read into a log of its own
// first: a client that is slow keeps no writer waiting, and of an export that is
// damaged or cut off nothing is stored.
func (s *Service) Merge(ctx context.Context, r io.Reader) (logs.ImportStats, error) {
	dir, err := os.MkdirTemp(s.dir, ".merge-*")
	if err != nil {
		return logs.ImportStats{}, err
	}
	defer os.RemoveAll(dir)
	from, err := logs.Open(filepath.Join(dir, logFile), logs.Options{})
	if err != nil {
		return logs.ImportStats{}, err
	}
	defer from.Close()
	stats, err := from.Import(ctx, r)
	switch {
	case errors.Is(err, logs.ErrNotExport):
		return stats, refuse(Invalid, "%v", err)
	case errors.Is(err, logs.ErrNewerExport):
		return stats, refuse(Invalid, "%v", logs.ErrNewerExport)
	case err != nil:
		return stats, err
	case stats.Bad > 0 || stats.Cut:
		return stats, refuse(Invalid, "the export is damaged, nothing was stored: %s", stats.Notes[len(stats.Notes)-1])
	}
	notes := stats.Notes
	stats, err = s.log.Merge(ctx, from)
	stats.Notes = notes
	return stats, err
}
