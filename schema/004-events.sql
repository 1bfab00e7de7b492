-- Pupdates (what happened, and the verdict on it) and memos (what waits for a person).

CREATE TABLE pupdates (
  path TEXT NOT NULL,
  line INTEGER NOT NULL,
  id TEXT NOT NULL,
  at TEXT NOT NULL,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  title TEXT NOT NULL,
  actor TEXT,
  url TEXT,
  tags TEXT,
  verdict TEXT,
  rule TEXT,
  made TEXT,
  data TEXT NOT NULL,
  PRIMARY KEY (path, line)
);
CREATE INDEX idx_pupdates_id ON pupdates(id);
CREATE INDEX idx_pupdates_at ON pupdates(at);
CREATE INDEX idx_pupdates_subject ON pupdates(subject);

CREATE TABLE memos (
  path TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  subject TEXT NOT NULL,
  created TEXT NOT NULL,
  expires TEXT NOT NULL,
  status TEXT NOT NULL,
  answer TEXT,
  rule TEXT,
  pupdate TEXT,
  data TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX idx_memos_id ON memos(id);
CREATE INDEX idx_memos_status ON memos(status);

INSERT OR IGNORE INTO schema_version (version, description) VALUES (4, 'pupdates and memos');
