-- The tables of the tuning service, beside those of the log. Points in time are in
-- nanoseconds since 1970 UTC, 0 where not known.

CREATE TABLE service_models (
	hash    TEXT PRIMARY KEY, -- SHA-256 of the file, which is named so
	name    TEXT NOT NULL,
	bytes   INTEGER NOT NULL,
	owner   TEXT NOT NULL,
	created INTEGER NOT NULL
) STRICT;

CREATE TABLE service_jobs (
	id       INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
	model    TEXT NOT NULL REFERENCES service_models,
	spec     TEXT NOT NULL,    -- api.Spec as JSON
	key      TEXT NOT NULL,    -- the same for jobs that must have the same result
	priority INTEGER NOT NULL,
	owner    TEXT NOT NULL,
	state    TEXT NOT NULL,    -- api.State
	created  INTEGER NOT NULL,
	started  INTEGER NOT NULL DEFAULT 0,
	finished INTEGER NOT NULL DEFAULT 0,
	session  INTEGER NOT NULL DEFAULT 0, -- of the log, of all its trials; 0: not started
	hidden   TEXT NOT NULL DEFAULT '[]', -- sessions of jobs that ran when it started
	progress TEXT NOT NULL DEFAULT '',   -- api.Progress as JSON
	result   TEXT NOT NULL DEFAULT '',   -- api.Result as JSON
	same_as  INTEGER NOT NULL DEFAULT 0,
	error    TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX service_jobs_by_key ON service_jobs (key, state);
CREATE INDEX service_jobs_by_state ON service_jobs (state);
CREATE INDEX service_jobs_by_model ON service_jobs (model);

CREATE TABLE service_tokens (
	name    TEXT PRIMARY KEY,
	role    TEXT NOT NULL,    -- 'read', 'submit' or 'admin'
	hash    BLOB NOT NULL,    -- SHA-256 of the token, which is random
	created INTEGER NOT NULL
) STRICT;
