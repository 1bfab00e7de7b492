// What the empty pages beside the daily ones teach with. A test reads each of these as towline would.
export const more_samples = {
  rule: {
    path: "rules/stale-pull-request.md",
    text: `---
when:
  kind: pr.stale
  data.age: {gt: 3d}
cooldown: 1d
then:
  - memo: "{{title}} waits for a review"
    kind: ask
---
A review that waits for days is forgotten.

## Examples

\`\`\`yaml
pupdate:
  kind: pr.stale
  subject: pr/12
  title: Pull request 12
  data: {age: 4d}
verdict: memo
\`\`\`
`,
  },
  insight: {
    path: "insights/quiet-hours.md",
    text: `---
scope: [all]
---
The backup holds the disk from 03:00 to 03:30: nothing heavy in that half hour.
`,
  },
  learning: {
    path: "learnings/no-float-money.md",
    text: `---
applies: ["*.ts"]
---
Amounts are counted in whole cents. Floats lost a cent in two invoices.
`,
  },
  collection: {
    path: "outreach/schema.json",
    text: `{
  "type": "object",
  "required": ["who", "stage"],
  "properties": {
    "who": { "type": "string" },
    "stage": { "enum": ["to ask", "asked", "won"] }
  }
}
`,
  },
  collection_row: {
    path: "outreach/acme.md",
    text: `---
who: Acme Robotics
stage: to ask
---
Met at the fair.
`,
  },
} as const;
