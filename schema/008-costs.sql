-- What runs cost: views of `jobs`, a row a job with all its attempts, and its sums. `usd` is what counts against limits:
-- what nobody told counts with the most that was reserved for it, and what a subscription pays is in `list_usd` instead.

DROP VIEW IF EXISTS costs;
CREATE VIEW costs AS
WITH said AS (
  SELECT path, id AS job, task, agent, host,
    json_extract(data, '$.run.account') AS account,
    json_extract(data, '$.run.rule') AS rule,
    json_extract(data, '$.run.requested_by') AS requester,
    claimed_at AS at, state,
    state IN ('claimed', 'started', 'unknown') AS open,
    state NOT IN ('claimed', 'started', 'unknown', 'released')
      AND (json_extract(data, '$.run.result') IS NOT NULL OR started_at IS NOT NULL OR state = 'lost') AS ran,
    coalesce(json_extract(data, '$.run.list_price'), 0) AS listed,
    json_extract(data, '$.run.limited') IS NULL AS counted,
    cost,
    json_extract(data, '$.run.reserved.usd') AS reserved,
    json_extract(data, '$.run.reserved.tokens') AS reserved_tokens,
    json_extract(data, '$.run.tokens') AS tokens,
    coalesce(took, json_extract(data, '$.run.deadline')) / 60.0 AS minutes,
    data
  FROM jobs
)
SELECT path, job, task, agent, host, account, rule, requester, at, state,
  state = 'finished' AS accepted,
  (SELECT coalesce(sum(json_extract(value, '$.usd')), 0) FROM json_each(data, '$.run.earlier'))
    + CASE WHEN ran AND NOT listed THEN coalesce(cost, reserved, 0) ELSE 0 END AS usd,
  (SELECT coalesce(sum(json_extract(value, '$.list')), 0) FROM json_each(data, '$.run.earlier'))
    + CASE WHEN ran AND listed THEN coalesce(cost, 0) ELSE 0 END AS list_usd,
  (SELECT coalesce(sum(json_extract(value, '$.tokens')), 0) FROM json_each(data, '$.run.earlier'))
    + CASE WHEN NOT ran THEN 0 WHEN tokens IS NULL THEN coalesce(reserved_tokens, 0)
      ELSE (SELECT coalesce(sum(CAST(value AS REAL)), 0) FROM json_each(data, '$.run.tokens') WHERE key <> 'cache_read')
      END AS tokens,
  (SELECT coalesce(sum(json_extract(value, '$.minutes')), 0) FROM json_each(data, '$.run.earlier'))
    + CASE WHEN ran THEN minutes ELSE 0 END AS minutes,
  (SELECT coalesce(sum(json_extract(value, '$.runs')), 0) FROM json_each(data, '$.run.earlier'))
    + CASE WHEN ran AND counted THEN 1 ELSE 0 END AS runs,
  CASE WHEN open THEN coalesce(reserved, 0) ELSE 0 END AS reserved_usd
FROM said;

DROP VIEW IF EXISTS costs_by_task;
CREATE VIEW costs_by_task AS
SELECT task, sum(runs) AS runs, sum(accepted) AS accepted, sum(usd) AS usd, sum(usd) / nullif(sum(accepted), 0) AS usd_per_accepted,
  sum(list_usd) AS list_usd, sum(tokens) AS tokens, sum(minutes) AS minutes
FROM costs GROUP BY task;

DROP VIEW IF EXISTS costs_by_agent;
CREATE VIEW costs_by_agent AS
SELECT agent, sum(runs) AS runs, sum(accepted) AS accepted, sum(usd) AS usd, sum(usd) / nullif(sum(accepted), 0) AS usd_per_accepted,
  sum(list_usd) AS list_usd, sum(tokens) AS tokens, sum(minutes) AS minutes
FROM costs GROUP BY agent;

DROP VIEW IF EXISTS costs_by_rule;
CREATE VIEW costs_by_rule AS
SELECT rule, sum(runs) AS runs, sum(accepted) AS accepted, sum(usd) AS usd, sum(usd) / nullif(sum(accepted), 0) AS usd_per_accepted,
  sum(list_usd) AS list_usd, sum(tokens) AS tokens, sum(minutes) AS minutes
FROM costs GROUP BY rule;

DROP VIEW IF EXISTS costs_by_host;
CREATE VIEW costs_by_host AS
SELECT host, sum(runs) AS runs, sum(accepted) AS accepted, sum(usd) AS usd, sum(usd) / nullif(sum(accepted), 0) AS usd_per_accepted,
  sum(list_usd) AS list_usd, sum(tokens) AS tokens, sum(minutes) AS minutes
FROM costs GROUP BY host;

INSERT OR IGNORE INTO schema_version (version, description) VALUES (8, 'views of what runs cost');
