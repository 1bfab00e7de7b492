-- Agents, rules and hosts, as people wrote them. What a host is doing stands in jobs.

CREATE TABLE agents (
  path TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  runtime TEXT NOT NULL,
  model TEXT,
  provider TEXT,
  hosts TEXT,
  off INTEGER NOT NULL,
  data TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX idx_agents_id ON agents(id);

CREATE TABLE rules (
  path TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  stop INTEGER NOT NULL,
  ask_first INTEGER NOT NULL,
  off INTEGER NOT NULL,
  data TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX idx_rules_id ON rules(id);

CREATE TABLE hosts (
  path TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  address TEXT NOT NULL,
  port INTEGER NOT NULL,
  user TEXT,
  arch TEXT,
  labels TEXT,
  slots INTEGER NOT NULL,
  network TEXT NOT NULL,
  transport TEXT NOT NULL,
  cordon TEXT,
  off INTEGER NOT NULL,
  data TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX idx_hosts_id ON hosts(id);

INSERT OR IGNORE INTO schema_version (version, description) VALUES (6, 'agents, rules and hosts');
