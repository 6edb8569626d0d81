-- Trials of large logs: what hundreds of thousands of rows repeat is stored once,
-- and both indexes grow at few places at a time.
--
-- A schedule that is measured again, in another session or by another machine of
-- the same kind, is a row of its own. The checksum covers all that a row says, so
-- that the same trial, appended, imported or merged twice, is stored once.

CREATE TABLE setups (
	id        INTEGER PRIMARY KEY,
	isa       TEXT NOT NULL,
	generator TEXT NOT NULL,    -- version of the code generator
	protocol  TEXT NOT NULL,
	UNIQUE (isa, generator, protocol)
) STRICT;

INSERT INTO setups (isa, generator, protocol) SELECT isa, generator, protocol FROM trials GROUP BY isa, generator, protocol ORDER BY min(id);

CREATE TABLE trials_2 (
	id        INTEGER PRIMARY KEY,
	workload  INTEGER NOT NULL REFERENCES workloads,
	machine   INTEGER NOT NULL REFERENCES machines,
	setup     INTEGER NOT NULL REFERENCES setups,
	schedule  TEXT NOT NULL,
	seed      INTEGER NOT NULL, -- uint64 of the layer's numbers
	status    TEXT NOT NULL,    -- 'ok' or the kind of failure
	message   TEXT NOT NULL,
	samples   BLOB NOT NULL,    -- float64 little-endian, nanoseconds
	center_ns REAL NOT NULL,
	lo_ns     REAL NOT NULL,
	hi_ns     REAL NOT NULL,
	code_hash TEXT NOT NULL,
	time      INTEGER NOT NULL,
	session   INTEGER REFERENCES sessions,
	checksum  INTEGER NOT NULL,
	UNIQUE (workload, machine, setup, time, checksum)
) STRICT;

INSERT INTO trials_2 SELECT t.id, workload, machine, s.id, schedule, seed, status, message, samples, center_ns, lo_ns, hi_ns,
	code_hash, time, session, checksum
	FROM trials t JOIN setups s ON s.isa = t.isa AND s.generator = t.generator AND s.protocol = t.protocol ORDER BY t.id;

DROP TABLE trials;

ALTER TABLE trials_2 RENAME TO trials;

-- The fastest trial of each group that compares is the first of its group.
CREATE INDEX trials_by_center ON trials (workload, setup, machine, center_ns) WHERE status = 'ok';
