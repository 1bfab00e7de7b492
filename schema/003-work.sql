-- Tasks (what people want), statuses (what is, folded from jobs) and jobs.
-- In every table: times are UTC, durations are seconds, lists are JSON, data is the whole frontmatter as JSON.

CREATE TABLE tasks (
  path TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  title TEXT NOT NULL,
  agent TEXT,
  status TEXT NOT NULL,              -- draft, ready, paused, cancelled
  run INTEGER,
  hosts TEXT,
  spread TEXT NOT NULL,
  priority INTEGER NOT NULL,
  due TEXT,
  every TEXT,
  after TEXT,
  timeout REAL,
  repo TEXT,
  domain TEXT,
  effect TEXT,
  data TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX idx_tasks_id ON tasks(id);

CREATE TABLE statuses (
  path TEXT PRIMARY KEY,
  task TEXT NOT NULL,
  title TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  since TEXT NOT NULL,
  next_due TEXT,
  last_due TEXT,
  failures INTEGER NOT NULL,
  data TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX idx_statuses_task ON statuses(task);
CREATE INDEX idx_statuses_state ON statuses(state);

CREATE TABLE jobs (
  path TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  task TEXT NOT NULL,
  agent TEXT,
  host TEXT,
  state TEXT NOT NULL,
  claimed_at TEXT NOT NULL,
  started_at TEXT,
  ended_at TEXT,
  took REAL,
  cost REAL,
  pr TEXT,
  occurrence TEXT NOT NULL,
  run_id TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  round INTEGER NOT NULL,
  tick TEXT NOT NULL,
  exit INTEGER,
  why TEXT,
  runtime TEXT,
  data TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX idx_jobs_id ON jobs(id);
CREATE INDEX idx_jobs_task ON jobs(task);
CREATE INDEX idx_jobs_state ON jobs(state);
CREATE INDEX idx_jobs_claimed ON jobs(claimed_at);

INSERT OR IGNORE INTO schema_version (version, description) VALUES (3, 'tasks, statuses and jobs');
