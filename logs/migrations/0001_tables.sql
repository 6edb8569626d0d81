-- Times of measurements are in nanoseconds (REAL), points in time in
-- nanoseconds since 1970 UTC (INTEGER). A checksum covers its row with the
-- texts that the row refers to, see checksum.go.

CREATE TABLE machines (
	id    INTEGER PRIMARY KEY,
	text  TEXT NOT NULL UNIQUE, -- schedules.Machine.String
	class TEXT NOT NULL         -- schedules.Machine.Class
) STRICT;

CREATE TABLE workloads (
	id   INTEGER PRIMARY KEY,
	text TEXT NOT NULL UNIQUE,  -- schedules.Workload.String
	op   TEXT NOT NULL
) STRICT;

CREATE TABLE sessions (
	id      INTEGER PRIMARY KEY,
	key     TEXT NOT NULL UNIQUE, -- random; names the session in other logs too
	command TEXT NOT NULL,
	seed    INTEGER NOT NULL,     -- uint64, two's complement
	started INTEGER NOT NULL,     -- 0: known by its key alone
	ended   INTEGER NOT NULL      -- 0: not ended, or killed
) STRICT;

CREATE TABLE trials (
	id        INTEGER PRIMARY KEY,
	workload  INTEGER NOT NULL REFERENCES workloads,
	machine   INTEGER NOT NULL REFERENCES machines,
	isa       TEXT NOT NULL,
	schedule  TEXT NOT NULL,
	generator TEXT NOT NULL,    -- version of the code generator
	protocol  TEXT NOT NULL,
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
	-- A failure does not keep a later success out: a lost worker says nothing
	-- about the schedule.
	UNIQUE (workload, machine, isa, schedule, generator, protocol, status)
) STRICT;

CREATE INDEX trials_by_time ON trials (workload, isa, status, center_ns);

CREATE TABLE finals (
	id               INTEGER PRIMARY KEY,
	workload         INTEGER NOT NULL REFERENCES workloads,
	machine          INTEGER NOT NULL REFERENCES machines,
	isa              TEXT NOT NULL,
	schedule         TEXT NOT NULL,
	generator        TEXT NOT NULL,
	protocol         TEXT NOT NULL,
	tuned_ns         REAL NOT NULL,
	default_schedule TEXT NOT NULL,
	default_ns       REAL NOT NULL,
	code_hash        TEXT NOT NULL,
	time             INTEGER NOT NULL,
	session          INTEGER REFERENCES sessions,
	checksum         INTEGER NOT NULL,
	UNIQUE (workload, machine, isa, schedule, generator, protocol, time)
) STRICT;
