// What an empty page teaches with. A test reads each of these as towline would.
export const samples = {
  task: {
    path: "tasks/disk-report.md",
    text: `---
title: How full are the disks?
agent: scout
hosts: any
every: 6h
---
df -h /
`,
  },
  agent: {
    path: "agents/scout.md",
    text: `---
runtime: shell
---
Runs scripts as they are.
`,
  },
  host: {
    path: "hosts/darth.md",
    text: `---
address: darth.example.org
user: eric
key: file:~/.ssh/id_ed25519
labels: [web]
slots: 2
---
A small arm64 machine under the desk.
`,
  },
  reflection: {
    path: "reflections/2026/11/moved-the-backup.md",
    text: `---
timestamp: 2026-11-21T09:00:00+01:00
title: Moved the backup to the new disk
goal: Nightly backups must fit again
outcome: success
surprise: The old disk was slower than the network
technique: rsync in two passes
domain: INFRA
---
The second pass took four minutes.
`,
  },
} as const;
