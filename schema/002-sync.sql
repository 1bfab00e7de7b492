-- What the database holds: of which pack, at which pair of commits, and from which file each row came.

CREATE TABLE sync_state (
  one INTEGER PRIMARY KEY CHECK(one = 1),
  pack TEXT NOT NULL,                -- another pack's sync is refused
  policy TEXT,                       -- commit that all rows of policy and work stand at
  ledger TEXT,                       -- the same for the ledger's rows
  towards TEXT,                      -- set while a sync in several batches is under way, or was interrupted
  version INTEGER NOT NULL           -- counts batches, so that two syncs cannot mix
);

CREATE TABLE sync_paths (
  path TEXT PRIMARY KEY,
  blob TEXT NOT NULL,                -- git's id of the content that the rows were made of
  tbl TEXT NOT NULL,                 -- empty: the record is broken and has no rows
  id TEXT NOT NULL                   -- the row's id (pupdates: of the file)
);

INSERT OR IGNORE INTO schema_version (version, description) VALUES (2, 'sync state');
