-- Of each group of trials that compares only the fastest are looked up by their
-- time. An index of those alone grows at one place of each group. Rows of older
-- versions are all in it.

ALTER TABLE trials ADD COLUMN leading INTEGER NOT NULL DEFAULT 1; -- 0: a failure, or a hundred of its group were faster when it was added

DROP INDEX trials_by_center;

CREATE INDEX trials_by_center ON trials (workload, setup, machine, center_ns) WHERE status = 'ok' AND leading = 1;
