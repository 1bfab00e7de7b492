// The host record that a pack without machines gets: cordoned, so that nothing starts until a person has put theirs in.

export const example_host = `---
address: web1.example.org
user: towline
labels: [web, scout]
slots: 2
key: env:TOWLINE_SSH_KEY
cordon: an example, replace it with a machine of yours
off: true # nobody calls it
---
Copy this file for each machine, give it the machine's address, then run \`towline fleet enroll NAME\`: it shows the
host key, pins it here and writes the machine's identity. Remove \`off\` before that, and \`cordon\` when work may
start.

What stands in this body is given to agents that run here: what the machine is for, where its logs are, what to
keep away from.
`;
