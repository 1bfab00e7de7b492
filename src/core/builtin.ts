// Rules that every pack has: nothing that a person must act on goes unseen. A pack's own rules come first,
// and one that matches and stops keeps these from firing.
import type { Entry } from "./entry.ts";
import { rule } from "./schema.ts";

const built = (id: string, fields: object): Entry<"rule"> => ({
  path: `builtin:${id}`,
  id,
  kind: "rule",
  data: rule.parse(fields),
  body: "",
  bodyLine: 1,
});

export const builtin_rules: Entry<"rule">[] = [
  built("builtin-job-asked", {
    when: { kind: "job.asked" },
    then: [{ memo: "{{data.task}} asks: {{data.question}}", kind: "ask" }],
  }),
  built("builtin-job-failed", {
    when: { kind: "job.failed" },
    then: [{ memo: "{{data.task}} failed on {{data.host}}: {{data.why}}", kind: "warning" }],
  }),
  // Who may ask was looked up when the issue was read. Where it was not, nobody may.
  built("builtin-issue-task", {
    when: { source: "github", kind: "issue.labelled", "data.permission": { in: ["admin", "write"] } },
    then: [{ issue: "task" }],
  }),
  built("builtin-job-review", {
    when: { kind: "job.review" },
    then: [{ memo: "{{data.task}} waits for your review: branch {{data.branch}} (`towline review {{data.job}}`)" }],
  }),
  built("builtin-campfire", {
    when: { kind: "campfire.opened" },
    then: [{ memo: "Campfire: {{data.count}} to look at on branch {{data.branch}}. Merging it is the yes" }],
  }),
  built("builtin-campfire-refused", {
    when: { kind: "campfire.refused" },
    then: [{ memo: "Campfire {{subject}}: {{data.why}}", kind: "warning" }],
  }),
  built("builtin-job-overlaps", {
    when: { kind: "job.overlaps" },
    then: [{ memo: "{{data.task}} and {{data.other}} change the same files: {{data.paths}}", kind: "warning" }],
  }),
  built("builtin-job-closed", {
    when: { kind: "job.closed" },
    then: [{ memo: "{{data.task}}: {{data.why}}. What was wrong with the work?", kind: "ask" }],
  }),
  built("builtin-job-unclear", {
    when: { kind: "job.unclear" },
    then: [{ memo: "{{data.task}}: {{data.why}}", kind: "ask" }],
  }),
  built("builtin-job-quiet", {
    when: { kind: "job.stuck", "data.quiet": "true" },
    then: [
      {
        memo: "{{data.task}} on {{data.host}} has gone quiet, and no nudge woke it: hold, retry or give up?",
        kind: "ask",
      },
    ],
  }),
  built("builtin-job-stuck", {
    when: { kind: "job.stuck" },
    then: [
      {
        memo: "{{data.task}}: its work on {{data.host}} has waited for over {{data.hours}} hours to be brought in: {{data.why}}",
        kind: "warning",
      },
    ],
  }),
  built("builtin-job-lost", {
    when: { kind: "job.lost" },
    then: [
      {
        memo: "{{data.task}} was lost on {{data.host}}: {{data.why}}. Run it again? (bump `run:` in the task)",
        kind: "ask",
      },
    ],
  }),
  built("builtin-rollout-stopped", {
    when: { kind: "rollout.stopped" },
    then: [{ memo: "{{data.task}} was {{data.why}}", kind: "warning" }],
  }),
  built("builtin-task-paused", {
    when: { kind: "task.paused" },
    then: [
      {
        memo: "{{data.task}} failed three times in a row and is held. Answer this memo or bump `run:` to go on.",
        kind: "ask",
      },
    ],
  }),
  built("builtin-task-blocked", {
    when: { kind: "task.blocked", "data.person": "true" },
    then: [{ memo: "{{data.task}} cannot start: {{data.why}}", kind: "warning" }],
  }),
  built("builtin-budget-reached", {
    when: { kind: "budget.reached" },
    then: [
      {
        memo: "The limit is reached: {{subject}} ({{data.path}}): {{data.why}}. Nothing more starts before {{data.frees}}, unless it is raised there.",
        kind: "warning",
      },
    ],
  }),
  built("builtin-account-limited", {
    when: { kind: "account.limited" },
    then: [{ memo: "{{subject}} has reached its own limit: its agents wait until {{data.until}}", kind: "warning" }],
  }),
  built("builtin-network-down", {
    when: { kind: "network.down" },
    then: [{ memo: "Network {{subject}} does not answer: {{data.count}} hosts cannot be reached", kind: "warning" }],
  }),
  built("builtin-host-disk", {
    when: { kind: "host.disk" },
    then: [{ memo: "{{subject}}: {{data.why}}", kind: "warning" }],
  }),
  built("builtin-host-drifted", {
    when: { kind: "host.drifted" },
    then: [{ memo: "{{subject}}: {{data.why}}", kind: "warning" }],
  }),
  built("builtin-result-withheld", {
    when: { kind: "result.withheld" },
    then: [{ memo: "{{data.task}} on {{data.host}}: {{data.why}}", kind: "warning" }],
  }),
  built("builtin-insight-retired", {
    when: { kind: { in: ["insight.retired", "learning.retired"] }, "data.given": "true" },
    then: [{ memo: "{{subject}} {{data.why}}. Does work have to be looked at again? {{data.had}} had it" }],
  }),
  built("builtin-host-key", {
    when: { kind: "host.down", "data.fault": { in: ["changed-key", "unknown-key", "not-enrolled", "refused"] } },
    then: [{ memo: "{{subject}} is out of rotation: {{data.why}}", kind: "warning" }],
  }),
];

const whole = new WeakMap<readonly Entry<"rule">[], Entry<"rule">[]>();
/** A pack's own rules, then those that every pack has. One list for one list: it is indexed once. */
export function allRules(rules: readonly Entry<"rule">[]): Entry<"rule">[] {
  const all = whole.get(rules) ?? [...rules, ...builtin_rules];
  whole.set(rules, all);
  return all;
}
