-- Insights and learnings, as people merged them.

CREATE TABLE insights (
  path TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  status TEXT NOT NULL,
  scope TEXT,
  sources TEXT,
  expires TEXT,
  data TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX idx_insights_id ON insights(id);

CREATE TABLE learnings (
  path TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  status TEXT NOT NULL,
  applies TEXT,
  sources TEXT,
  data TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX idx_learnings_id ON learnings(id);

INSERT OR IGNORE INTO schema_version (version, description) VALUES (5, 'insights and learnings');
