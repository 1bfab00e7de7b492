-- How hosts fared: a row a line of state/hosts/. `load` is per core, sizes are bytes, `slots` are those in use.

CREATE TABLE samples (
  path TEXT NOT NULL,
  line INTEGER NOT NULL,
  host TEXT NOT NULL,
  at TEXT NOT NULL,
  load REAL NOT NULL,
  memory_free INTEGER NOT NULL,
  memory_total INTEGER NOT NULL,
  disk_free INTEGER NOT NULL,
  disk_total INTEGER NOT NULL,
  slots INTEGER NOT NULL,
  PRIMARY KEY (path, line)
);
CREATE INDEX idx_samples_host ON samples(host, at);

INSERT OR IGNORE INTO schema_version (version, description) VALUES (7, 'samples of hosts');
