-- Reflections: the classic table, unchanged, so that whatever reads or fills one such database reads this one, too.
-- Towline always sets id (from the record's path) and created_at (from its timestamp) itself.

CREATE TABLE reflections (
  id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(8)))),
  timestamp TEXT NOT NULL,           -- ISO 8601
  title TEXT NOT NULL,               -- "Built Pico OS Dashboard"
  goal TEXT,                         -- what was I trying to do
  intended_effect TEXT,              -- real-world result expected
  outcome TEXT CHECK(outcome IN ('success', 'partial', 'failure')),
  surprise TEXT,                     -- unexpected finding (most valuable signal)
  technique TEXT,                    -- approach used
  domain TEXT,                       -- AEO, SECURITY, INFRA, SOCIAL, etc.
  body TEXT NOT NULL,                -- full markdown
  session_id TEXT,                   -- for cross-session correlation
  created_at TEXT DEFAULT (datetime('now'))
);

CREATE INDEX idx_reflections_timestamp ON reflections(timestamp);
CREATE INDEX idx_reflections_domain ON reflections(domain);
CREATE INDEX idx_reflections_outcome ON reflections(outcome);

-- Which of these files were applied. Each adds its own line, also when a person applies it by hand.
CREATE TABLE schema_version (
  version INTEGER PRIMARY KEY,
  applied_at TEXT DEFAULT (datetime('now')),
  description TEXT
);

INSERT OR IGNORE INTO schema_version (version, description) VALUES (1, 'reflections');
