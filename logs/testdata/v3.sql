-- A log as schema version 3 wrote it.
PRAGMA application_id = 1903457646;
PRAGMA user_version = 3;
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
INSERT INTO "finals" VALUES(1,1,1,'avx2','mr=6 nv=2','g1','samples=3',50.0,'mr=4 nv=1',70.0,'00ff',1772604000000000000,NULL,-9168999180283353485);
CREATE TABLE machines (
	id    INTEGER PRIMARY KEY,
	text  TEXT NOT NULL UNIQUE, -- schedules.Machine.String
	class TEXT NOT NULL         -- schedules.Machine.Class
) STRICT;
INSERT INTO "machines" VALUES(1,'amd-25-17 cores=2 l1d=32768 l2=1048576 l3=33554432 brand=AMD EPYC','amd-25-17 l1d=32768 l2=1048576 l3=33554432');
CREATE TABLE sessions (
	id      INTEGER PRIMARY KEY,
	key     TEXT NOT NULL UNIQUE, -- random; names the session in other logs too
	command TEXT NOT NULL,
	seed    INTEGER NOT NULL,     -- uint64, two's complement
	started INTEGER NOT NULL,     -- 0: known by its key alone
	ended   INTEGER NOT NULL      -- 0: not ended, or killed
) STRICT;
INSERT INTO "sessions" VALUES(1,'5e39ba07e64758c2','tune --model inception_v3.tflite',7,1795582686433827958,0);
CREATE TABLE setups (
	id        INTEGER PRIMARY KEY,
	isa       TEXT NOT NULL,
	generator TEXT NOT NULL,    -- version of the code generator
	protocol  TEXT NOT NULL,
	UNIQUE (isa, generator, protocol)
) STRICT;
INSERT INTO "setups" VALUES(1,'avx2','g1','samples=3');
CREATE TABLE "trials" (
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
	checksum  INTEGER NOT NULL, leading INTEGER NOT NULL DEFAULT 1,
	UNIQUE (workload, machine, setup, time, checksum)
) STRICT;
INSERT INTO "trials" VALUES(1,1,1,1,'mr=8 nv=2',-9223372036854775803,'ok','',X'000000000010594000000000000059400000000000405940',100.0,99.5,101.0,'0123456789abcdef',1772600767000000008,1,7215931467161140231,1);
INSERT INTO "trials" VALUES(2,2,1,1,'mr=9 nv=2',-9223372036854775803,'crash','signal SIGSEGV',X'',0.0,0.0,0.0,'0123456789abcdef',1772600767000000009,NULL,-4419180048388316212,0);
CREATE TABLE workloads (
	id   INTEGER PRIMARY KEY,
	text TEXT NOT NULL UNIQUE,  -- schedules.Workload.String
	op   TEXT NOT NULL
) STRICT;
INSERT INTO "workloads" VALUES(1,'conv2d n1 h17 w17 c128 k1x7 o128 s1x1 d1x1 p0,3,0,3 wz=1 perch=0 round=double sign=0 mult=lt1','conv2d');
INSERT INTO "workloads" VALUES(2,'conv2d n1 h17 w17 c160 k1x7 o160 s1x1 d1x1 p0,3,0,3 wz=1 perch=0 round=double sign=0 mult=lt1','conv2d');
CREATE INDEX trials_by_center ON trials (workload, setup, machine, center_ns) WHERE status = 'ok' AND leading = 1;
