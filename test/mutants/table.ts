// Guards, each with the change to the source that switches it off and the tests that must notice.

export interface Mutant {
  guard: string;
  /** What is changed: each text stands in its file exactly once. */
  edits: [file: string, before: string, after: string][];
  /** Test files, and the part of test names that is run in them. */
  tests: string[];
  name?: string;
}

export const mutants: Mutant[] = [
  {
    guard: "every ledger commit carries a random nonce",
    edits: [
      [
        "src/shell/repo.ts",
        '`Towline-Nonce: ${randomBytes(20).toString("hex")}`',
        '`Towline-Nonce: ${randomBytes(0).toString("hex")}`',
      ],
    ],
    tests: ["test/repo/race.test.ts"],
    name: "never the very same commit",
  },
  {
    guard: "a proposal does not say how it is judged: the base's settings do",
    edits: [
      ["src/verbs/check.ts", "(found?.settings ?? read)?.ledger.branch", "(read ?? found?.settings)?.ledger.branch"],
    ],
    tests: ["test/action/pull-request.test.ts"],
    name: "nothing that a head holds",
  },
  {
    guard: "what a proposal changes in the ledger is taken from git, from where it left the base",
    edits: [["src/shell/fetch-head.ts", "if (base.code === 0) break;", "break;"]],
    tests: ["test/action/pull-request.test.ts"],
    name: "base moved on since",
  },
  {
    guard: "what others wrote cannot leave its place in a plan comment",
    edits: [["src/core/plan-comment.ts", "map((title) => cell(title, 80))", "map((title) => title)"]],
    tests: ["test/integration/plan-comment.test.ts"],
    name: "policy first",
  },
  {
    guard: "a workflow that anybody can set off holds nothing to take",
    edits: [
      [
        ".github/workflows/events.yml",
        "    steps:\n      - run: gh",
        "    env: { KEY: '${{ secrets.KEY }}' }\n    steps:\n      - run: gh",
      ],
    ],
    tests: ["test/workflows/rules.test.ts"],
    name: "dangerous-triggers",
  },
  {
    guard: "a stranger's event asks for no tick",
    edits: [
      [
        ".github/workflows/events.yml",
        `&& contains(fromJSON('["OWNER", "MEMBER", "COLLABORATOR"]'), github.event.comment.author_association)) ||`,
        ") ||",
      ],
    ],
    tests: ["test/action/events.test.ts"],
    name: "a stranger's command",
  },
  {
    guard: "nothing that takes long is begun in the last seconds of a CI job",
    edits: [["src/shell/deploy-start.ts", "const too_short = 3000;", "const too_short = -1e9;"]],
    tests: ["test/tick/deploying.test.ts"],
    name: "does not fit into the CI job",
  },
  {
    guard: "`up to date` is no win",
    edits: [
      ["src/shell/repo-push.ts", 'flag === "*" || flag === "+")', 'flag === "*" || flag === "+" || flag === "=")'],
    ],
    tests: ["test/repo/race.test.ts"],
    name: "pushed twice wins once",
  },
  {
    guard: "lease on the ledger's ref",
    edits: [
      [
        "src/shell/repo-push.ts",
        'const leases = [`--force-with-lease=${ref}:${plan.old ?? ""}`];',
        "const leases: string[] = [];",
      ],
    ],
    tests: ["test/repo/race.test.ts"],
    name: "set back is not restored",
  },
  {
    guard: "lease on the policy's ref",
    edits: [["src/shell/repo.ts", "guard: own ? { ref:", "guard: own && at.limits.push < 0 ? { ref:"]],
    tests: ["test/repo/race.test.ts"],
    name: "read before a person's push",
  },
  {
    guard: "only a porcelain line is an answer: silence is unknown",
    edits: [
      [
        "src/shell/repo-push.ts",
        'return connected ? { state: "unknown", why, commit } : { state: "lost", why };',
        'return connected && why === "-" ? { state: "unknown", why, commit } : { state: "lost", why };',
      ],
    ],
    tests: ["test/repo/race.test.ts"],
    name: "no words at all|no verdict",
  },
  {
    guard: "the policy's tip is read again before a start",
    edits: [
      [
        "src/shell/tick-won.ts",
        "if ((await hands.repo.policyTipNow()) === tips.policy) return;",
        "if ((await hands.repo.policyTipNow()) !== undefined) return;",
      ],
    ],
    tests: ["test/tick/reclaim.test.ts"],
  },
  {
    guard: "a claim over an older one is given back only with a seal",
    edits: [
      ["src/shell/hands.ts", "if (start.fallen !== undefined && !start.seal) {", "if (start.fallen !== undefined) {"],
    ],
    tests: ["test/tick/reclaim.test.ts", "test/tick/hands.test.ts"],
  },
  {
    guard: "what a collected attempt started is no start of the next",
    edits: [
      [
        "src/shell/hands.ts",
        "sealed.started !== null && sealed.started > start.collected",
        "sealed.started !== null && sealed.started > 0",
      ],
    ],
    tests: ["test/tick/reclaim.test.ts"],
  },
  {
    guard: "a result is acknowledged only when the ledger holds it",
    edits: [["src/shell/hands.ts", "job ? job.data.run.result === held.sha256 :", "job ? true :"]],
    tests: ["test/model/model.test.ts"],
    name: "three ticks, two jobs, one fault",
  },
  {
    guard: "another tick's claim is left alone within the wall",
    edits: [["src/core/claim.ts", "(expired || run.tick === draft.tick)", "(expired || run.tick !== undefined)"]],
    tests: ["test/model/claims.test.ts"],
  },
  {
    guard: "a lost job starts again only with `on_lost: retry`",
    edits: [
      [
        "src/core/absorb.ts",
        'if (state === "lost") return task.data.on_lost === "retry" &&',
        'if (state === "lost") return',
      ],
    ],
    tests: ["test/model/claims.test.ts"],
  },
  {
    guard: "host: a fence for each (job, epoch)",
    edits: [
      ["src/remote/host/start.sh", '  elif [ -d "$dir" ]; then', '  elif [ -d "$dir.none" ]; then'],
      ["src/remote/host/start.sh", '      mkdir "$dir" 2>/dev/null\n', '      mkdir -p "$dir" 2>/dev/null\n'],
      [
        "src/remote/host/start.sh",
        'if [ $? -eq 0 ] && token "$dir.owner" "$self"; then',
        'if [ $? -eq 0 ] && { token "$dir.owner" "$self" || :; }; then',
      ],
    ],
    tests: ["test/remote/host.test.ts"],
  },
  {
    guard: "host: a seal is kept",
    edits: [["src/remote/host/serve.sh", '  echo "$epoch" >>"$jobs/$job/seal"', "  :"]],
    tests: ["test/remote/fences.test.ts"],
  },
  {
    guard: "host: the journal is on the disk before the run starts",
    edits: [["src/remote/host/start.sh", '  durable "$pack/journal"\n', ""]],
    tests: ["test/remote/fences.test.ts"],
  },
  {
    guard: "host: fences come back from the journal after a restart",
    edits: [["src/remote/host/serve.sh", '[ "$seen_boot" != "$boot" ] || return 0', "return 0"]],
    tests: ["test/remote/host.test.ts", "test/remote/fences.test.ts"],
  },
  {
    guard: "host: a run ends at its deadline",
    edits: [["src/remote/host/run.sh", 'exec timeout -k 5 "$seconds" sh -c', "exec timeout -k 5 999 sh -c"]],
    tests: ["test/transports/contract.test.ts"],
    name: "keeps what was written until the deadline",
  },
  {
    guard: "host: output is cut to what is kept",
    edits: [["src/remote/host/streams.sh", '  [ "$bytes" -gt $((keep * 2)) ] || return 0', "  return 0"]],
    tests: ["test/transports/contract.test.ts"],
    name: "keeps head and tail",
  },
  {
    guard: "host: files of a launch stay in the job's folder",
    edits: [
      [
        "src/remote/host/start.sh",
        "    */../* | */./* | *//* | */-* | *[!A-Za-z0-9._/-]*)",
        "    */./* | *//* | */-* | *[!A-Za-z0-9._/-]*)",
      ],
    ],
    tests: ["test/remote/host.test.ts"],
    name: "leave the job's folder",
  },
  {
    guard: "an answer carries the nonce of its request",
    edits: [["src/remote/frame.ts", "if (parts && parts[1] === nonce) {", "if (parts) {"]],
    tests: ["test/remote/frame.test.ts", "test/fuzz/frames.test.ts"],
  },
  {
    guard: "an answer has its length and end mark",
    edits: [
      ["src/remote/frame.ts", 'if (all.toString("latin1", open.bytes, whole) !== open.end)', "if (all.length === 0)"],
    ],
    tests: ["test/remote/frame.test.ts"],
  },
  {
    guard: "an answer has a size by what was asked",
    edits: [["src/shell/fleet-conversation.ts", "reader.expect(nonce, limit);", "reader.expect(nonce);"]],
    tests: ["test/integration/hostile.test.ts"],
  },
  {
    guard: "a text that the server refuses does not hold the rest back",
    edits: [["src/tick.ts", 'if (refusal.kind === "content" && ', 'if (refusal.kind === "race" && ']],
    tests: ["test/tick/refused.test.ts"],
  },
  {
    guard: "host: what a run puts in the place of its own files goes",
    edits: [["src/remote/host/base.sh", 'then rm -rf "$1"; fi', "then :; fi"]],
    tests: ["test/remote/spoiled.test.ts"],
  },
  {
    guard: "host: a supervisor that hangs is ended",
    edits: [["src/remote/host/conversation.sh", "      overdue || return 0\n", "      return 0\n"]],
    tests: ["test/remote/spoiled.test.ts"],
    name: "hangs long past",
  },
  {
    guard: "when a run ended is said by our clock",
    edits: [["src/core/absorb.ts", "{ ...result, ...times }", "result"]],
    tests: ["test/remote/clock.test.ts"],
    name: "a tick over such a host",
  },
  {
    guard: "a result has the announced hash",
    edits: [["src/remote/answers.ts", "if (sha256(description) !== expected.sha256)", "if (description.length === 0)"]],
    tests: ["test/remote/frame.test.ts"],
  },
  {
    guard: "a stream has the hash that its host made",
    edits: [
      ["src/remote/answers.ts", '(length === 0 ? wanted !== "-" : sha256(bytes) !== wanted)', "wanted === undefined"],
    ],
    tests: ["test/remote/frame.test.ts"],
  },
  {
    guard: "a changed host key is refused",
    edits: [["src/transports/ssh.ts", "answer(!denied);", "answer(true);"]],
    tests: ["test/transports/ssh.test.ts"],
  },
  {
    guard: "the system's ssh accepts the pinned key only, whatever ssh_config says",
    edits: [["src/transports/openssh-den.ts", '  "StrictHostKeyChecking=yes",\n', ""]],
    tests: ["test/transports/openssh.test.ts"],
    name: "weaken or break",
  },
  {
    guard: "a pinned fingerprint is compared",
    edits: [["src/transports/openssh-den.ts", "[ \"$2\" = '${fingerprint}' ] || exit 0\n", ""]],
    tests: ["test/transports/openssh.test.ts"],
    name: "another key than the pinned one",
  },
  {
    guard: "the system's ssh sees none of our keys",
    edits: [
      ["src/shell/ways.ts", "passed.flatMap((name) => (env[name] ? [[name, env[name]]] : []))", "Object.entries(env)"],
    ],
    tests: ["test/transports/openssh.test.ts"],
    name: "no key and no text of a task",
  },
  {
    guard: "a server that allows one channel is waited for",
    edits: [["src/transports/ssh-connection.ts", "if (full && performance.now() < until)", "if (full && until < 0)"]],
    tests: ["test/transports/ways.test.ts"],
    name: "waits for its turn",
  },
  {
    guard: "a host outside its window takes no work",
    edits: [
      ["src/core/place.ts", "  if (early) return early;", "  if (early && host.id === placing.runtime) return early;"],
    ],
    tests: ["test/core/window.test.ts"],
  },
  {
    guard: "a machine without the pinned identity is refused",
    edits: [
      [
        "src/shell/fleet.ts",
        "if (host.identity !== undefined && facts.identity !== host.identity) {",
        "if (host.identity === facts.boot) {",
      ],
    ],
    tests: ["test/remote/fences.test.ts"],
  },
  {
    guard: "nothing is written outside the ledger's paths",
    edits: [
      ["src/shell/repo-build.ts", "    if (fault) throw new Error", "    if (fault === path) throw new Error"],
      ["src/shell/repo-build.ts", "    if (!allowed(path)) throw", '    if (path === "") throw'],
    ],
    tests: ["test/repo/repo.test.ts"],
  },
  {
    guard: "git runs no hooks of the repository",
    edits: [["src/shell/git.ts", '  ["core.hooksPath", "/dev/null"],\n', ""]],
    tests: ["test/repo/repo.test.ts", "test/repo/hostile.test.ts", "test/repo/config.test.ts"],
  },
  {
    guard: "STOP.md stops",
    edits: [
      [
        "src/core/gate.ts",
        "if (file && !file.off && lasts(file.until))",
        "if (file && file.cancel && !file.off && lasts(file.until))",
      ],
    ],
    tests: ["test/golden/golden.test.ts"],
  },
  {
    guard: "a cordoned host takes no work",
    edits: [["src/core/place.ts", "  if (host.data.cordon) return", "  if (host.data.cordon === host.id) return"]],
    tests: ["test/core/place.test.ts"],
  },
  {
    guard: "at most so many starts an hour",
    edits: [["src/core/plan.ts", "if (room <= 0 || (count > room && room < most))", "if (room < -1e9)"]],
    tests: ["test/model/claims.test.ts"],
  },
  {
    guard: "a record is no symbolic link",
    edits: [["src/core/state.ts", 'if (file.mode === "120000")', 'if (file.mode === "never")']],
    tests: ["test/model/claims.test.ts"],
  },
  {
    guard: "aliases are off",
    edits: [["src/core/split.ts", "maxAliases: 0", "maxAliases: 1e9"]],
    tests: ["test/fuzz/guards.test.ts"],
  },
  {
    guard: "tags are off, scalars are text",
    edits: [["src/core/split.ts", "schema: FAILSAFE_SCHEMA, ", ""]],
    tests: ["test/fuzz/guards.test.ts"],
  },
  {
    guard: "nesting has a limit",
    edits: [["src/core/split.ts", "const max_depth = 12;", "const max_depth = 100_000;"]],
    tests: ["test/fuzz/guards.test.ts"],
  },
  {
    guard: "a nonsense record costs no time",
    edits: [["src/core/entry-problems.ts", "const most = 20;", "const most = 1e9;"]],
    tests: ["test/fuzz/guards.test.ts"],
  },
  {
    guard: "known secrets are masked in what a run said",
    edits: [
      [
        "src/shell/screen.ts",
        "return masked === text ? bytes : Buffer.from(masked);",
        'return masked === "" ? Buffer.from(masked) : bytes;',
      ],
      ["src/shell/screen.ts", "(text) => secrets.mask(text));", "(text) => text);"],
    ],
    tests: ["test/secrets/screen.test.ts"],
  },
  {
    guard: "secrets that nobody told us of are cut out by their shape",
    edits: [["src/shell/screen.ts", "await scan([...said, ...log])", "[...said, ...log].map((): Sighting[] => [])"]],
    tests: ["test/secrets/screen.test.ts"],
  },
  {
    guard: "no comment in a text switches the search for secrets off",
    edits: [["src/shell/scan-worker.mjs", '"@secretlint/secretlint-rule-filter-comments"', '"none"']],
    tests: ["test/secrets/screen.test.ts"],
  },
  {
    guard: "a search for secrets that fails lets no text through",
    edits: [
      [
        "src/shell/screen.ts",
        'if (sightings === undefined) throw new ScanFault("it failed");',
        "if (sightings === undefined) return text;",
      ],
      [
        "src/shell/screen.ts",
        "const found = await scan([...said, ...log]);",
        "const found = await scan([...said, ...log]).catch((): Sighting[][] => []);",
      ],
    ],
    tests: ["test/secrets/screen.test.ts"],
  },
  {
    guard: "`---js` is refused, never evaluated",
    edits: [
      ["src/core/split.ts", "?---[ \\t]*(", "?---[a-z]*[ \\t]*("],
      ["src/core/split.ts", "plainHeader(header) ?? matter(", 'text.startsWith("---js") ? matter(text).data : matter('],
    ],
    tests: ["test/check/check.test.ts"],
    name: "a ---js task",
  },
  {
    guard: "a copied repository starts nothing",
    edits: [
      [
        "src/shell/binding.ts",
        'if (binding.state === "copy" || binding.state === "rewritten") throw',
        'if (binding.state === "rewritten") throw',
      ],
    ],
    tests: ["test/integration/copy.test.ts"],
  },
  {
    guard: "an older towline writes to no newer ledger",
    edits: [["src/core/binding.ts", "  if (format > own)", "  if (format > own + 1e6)"]],
    tests: ["test/core/binding.test.ts"],
  },
  {
    guard: "another pack's database is refused",
    edits: [["src/shell/store-schema.ts", "  if (mark.pack !== pack)\n", "  if (mark.pack === undefined)\n"]],
    tests: ["test/store/sync.test.ts", "test/store/faults.test.ts"],
  },
  {
    guard: "the policy's tip is read again before a recorded dispatch starts anything",
    edits: [
      [
        "src/shell/errand-book.ts",
        "if ((await repo.policyTipNow()) === policy) return starts;",
        "if ((await repo.policyTipNow()) !== undefined) return starts;",
      ],
    ],
    tests: ["test/tick/errand.test.ts"],
    name: "comes between",
  },
  {
    guard: "a recorded dispatch starts nothing before its claim is won",
    edits: [
      [
        "src/shell/errand-book.ts",
        "return last || made.plan.starts.length > 0 ? made.changes : new Map();",
        "return last ? made.changes : new Map();",
      ],
      [
        "src/shell/errand-book.ts",
        "if (commit === null) return { ...decision, stands: false };",
        "if (commit === null) return { ...decision, stands: true };",
      ],
    ],
    tests: ["test/tick/errand.test.ts"],
    name: "a push that came first",
  },
  {
    guard: "a dispatch from a folder heeds what origin holds back",
    edits: [
      [
        "src/shell/errand-open.ts",
        "{ ...stricter(own, asked.state, at.clock.now()), ...ledgerOf(asked.state) }",
        "{ ...own, ...ledgerOf(asked.state) }",
      ],
    ],
    tests: ["test/integration/dispatch.test.ts"],
    name: "STOP.md, cordons",
  },
  {
    guard: "the gate knows what it lets through to the byte",
    edits: [["src/remote/enrol/gate.sh", '[ "$asked" = "$whole" ]', '[ -n "$whole" ]']],
    tests: ["test/remote/gate.test.ts"],
    name: "nothing else goes through",
  },
  {
    guard: "the gate takes only a host program that the owner lists",
    edits: [["src/remote/enrol/gate.sh", "welcome || {", "true || {"]],
    tests: ["test/remote/gate.test.ts"],
    name: "a new program comes in only",
  },
  {
    guard: "a gate's key gets no files of the host, by sudo either",
    edits: [["src/remote/host/put.sh", '[ -n "$gated$SSH_ORIGINAL_COMMAND" ]', '[ -n "$SSH_ORIGINAL_COMMAND" ]']],
    tests: ["test/enrol/run-as.test.ts"],
    name: "behind the gate|enrolled: the root",
  },
  {
    guard: "the owner of a host names the packs that may work there",
    edits: [["src/remote/host/allow.sh", 'elif ! listed "$packs" "$pack"; then', "elif false; then"]],
    tests: ["test/remote/allow.test.ts"],
    name: "refused, and nothing is left",
  },
  {
    guard: "an owner's file that cannot be read allows nothing",
    edits: [["src/remote/host/allow.sh", '  [ -n "$heard" ] || amiss=', "  true || amiss="]],
    tests: ["test/remote/allow.test.ts"],
    name: "cannot be read allows nothing",
  },
  {
    guard: "no work is planned where the owner refuses it",
    edits: [["src/core/place.ts", "if (refused !== null) return", 'if (refused === "") return']],
    tests: ["test/core/place.test.ts"],
    name: "what its owner does not allow",
  },
  {
    guard: "with run_as nothing is done as the login user",
    edits: [["src/remote/program.ts", "if (user === undefined) return command;", "return command;"]],
    tests: ["test/enrol/run-as.test.ts"],
  },
  {
    guard: "a line of authorized_keys with a person's own words is left alone",
    edits: [["src/remote/enrol/keys.sh", '[ "$foreign" = 0 ] || done_with foreign', ""]],
    tests: ["test/enrol/enrol.test.ts"],
    name: "words of their own",
  },
  {
    guard: "a program takes its place on a host only with the hash that was announced",
    edits: [["src/remote/host/put.sh", 'elif [ "$digest" != "$sum" ]; then', 'elif [ "$digest" = none ]; then']],
    tests: ["test/fleet/put.test.ts"],
    name: "altered on the way",
  },
  {
    guard: "a file on a host is replaced only where it is what it was",
    edits: [["src/remote/host/put.sh", '  [ "$before" != - ] || return 0\n', "  return 0\n"]],
    tests: ["test/fleet/put.test.ts"],
    name: "somebody else changed meanwhile",
  },
  {
    guard: "files on a host stay below its home folder",
    edits: [
      [
        "src/remote/host/put.sh",
        "case /$1/ in */../* | */./* | */-*) return 1 ;; esac",
        "case /$1/ in */-*) return 1 ;; esac",
      ],
    ],
    tests: ["test/fleet/put.test.ts"],
    name: "stay below the home folder",
  },
  {
    guard: "a worktree more than is allowed is not made",
    edits: [["src/remote/host/code.sh", '[ "$stand" -lt "$trees" ] || return 1', ":"]],
    tests: ["test/remote/code.test.ts"],
    name: "too big",
  },
  {
    guard: "what passes on a host does not end its job",
    edits: [["src/remote/host/code.sh", "why=$no_git no=later", "why=$no_git"]],
    tests: ["test/remote/code.test.ts"],
    name: "a host without git",
  },
  {
    guard: "no coding work is claimed for a host without git, or without room for a worktree",
    edits: [["src/core/place.ts", "  if (bare) return bare;", "  if (bare && !bare) return bare;"]],
    tests: ["test/core/place.test.ts"],
    name: "coding work",
  },
  {
    guard: "submodules are no coding work of a host",
    edits: [["src/remote/host/code.sh", '  [ -z "$line" ] || return 1\n  line=$(vc grep', "  line=$(vc grep"]],
    tests: ["test/remote/code.test.ts"],
    name: "submodules, LFS",
  },
  {
    guard: "git on a mirror runs nothing that its settings name",
    edits: [["src/remote/host/tree.sh", 'mv -f "$repo/config.$$" "$repo/config"', 'rm "$repo/config.$$"']],
    tests: ["test/remote/code.test.ts"],
    name: "hooks and filters",
  },
  {
    guard: "only work that goes on from its base comes back",
    edits: [["src/remote/host/work.sh", 'elif ! leads "$base" "$head"; then', "elif false; then"]],
    tests: ["test/remote/code.test.ts"],
    name: "the head counts",
  },
  {
    guard: "a bundle from a host has no more bytes than were asked for",
    edits: [
      ["src/remote/host/work.sh", "      ulimit -f $((most / 512 + 64))\n", ""],
      ["src/remote/host/work.sh", '[ $((bytes)) -le "$most" ] && mv -f', "mv -f"],
    ],
    tests: ["test/remote/code.test.ts"],
    name: "too big",
  },
  {
    guard: "a look at a host leaves the bundle alone that a run is making",
    edits: [["src/remote/host/serve.sh", "! -name '*.bundle' ! -name '*.bundle.lock' ", "! -name '*.bundle' "]],
    tests: ["test/remote/code.test.ts"],
    name: "a look at the host",
  },
  {
    guard: "only packs that the owner lists bring code to a host",
    edits: [
      [
        "src/remote/host/allow.sh",
        'elif [ -n "$limited" ] && ! listed "$packs" "${pack:--}"; then',
        "elif false; then",
      ],
    ],
    tests: ["test/remote/code.test.ts"],
    name: "which packs may bring code",
  },
  {
    guard: "a key behind a gate deploys nothing",
    edits: [["src/remote/host/put.sh", 'if [ -n "$gated$SSH_ORIGINAL_COMMAND" ]; then', 'if [ -n "$gated" ]; then']],
    tests: ["test/fleet/put.test.ts"],
    name: "locked behind a gate",
  },
  {
    guard: "a download has the sha256 of its release",
    edits: [
      [
        "src/shell/release.ts",
        "found.sha256 !== null && hash !== found.sha256",
        'found.sha256 === "" && hash !== found.sha256',
      ],
    ],
    tests: ["test/fleet/release.test.ts"],
    name: "wrong digest",
  },
  {
    guard: "a program has the sha256 that the host's record pins",
    edits: [
      [
        "src/shell/release.ts",
        "pin?.sha256 !== undefined && program.sha256 !== pin.sha256",
        'pin?.sha256 === "" && program.sha256 !== pin.sha256',
      ],
    ],
    tests: ["test/fleet/release.test.ts"],
    name: "wrong digest",
  },
  {
    guard: "a download is led to https or nowhere else",
    edits: [
      [
        "src/shell/download.ts",
        'next && (next.protocol === "https:" || (at.protocol === "http:" && next.host === at.host))',
        'next?.protocol.startsWith("http")',
      ],
    ],
    tests: ["test/fleet/release.test.ts"],
    name: "is not led to another server",
  },
  {
    guard: "a token goes to the server that it is for",
    edits: [["src/shell/download.ts", "options.token && at.origin === first.origin", "options.token"]],
    tests: ["test/fleet/release.test.ts"],
    name: "takes the token to the first server only",
  },
  {
    guard: "a program is built for the machine that it goes to",
    edits: [
      ["src/shell/release-unpack.ts", "const why = unfit(program, arch);", 'const why = unfit(program, arch) && "";'],
    ],
    tests: ["test/fleet/release.test.ts"],
    name: "for another machine",
  },
  {
    guard: "nothing is torn down under an open job",
    edits: [
      [
        "src/shell/teardown.ts",
        "if (!order.force) refuseOpen(session, order);",
        "if (order.force === null) refuseOpen(session, order);",
      ],
    ],
    tests: ["test/fleet/deploy.test.ts"],
    name: "is not taken down under a job",
  },
  {
    guard: "a program of somebody else's is not torn down",
    edits: [
      [
        "src/shell/deploy.ts",
        'const foreign = there?.kind === "file" && !isOurs(note, there.sha256);',
        "const foreign = false;",
      ],
    ],
    tests: ["test/fleet/deploy.test.ts"],
    name: "as it found it",
  },
  {
    guard: "what people deployed is no ephemeral agent's to take away",
    edits: [["src/shell/teardown.ts", "order.ephemeral && !found?.ephemeral ? null : found", "found"]],
    tests: ["test/fleet/tick-deploy.test.ts"],
    name: "what people deployed stays",
  },
  {
    guard: "a rollout stops after so many failures",
    edits: [["src/core/rollout.ts", "  if (failures < stop_after &&", "  if (failures < 1e9 &&"]],
    tests: ["test/core/rollout.test.ts"],
    name: "stops after so many failures",
  },
  {
    guard: "a failed canary ends its rollout",
    edits: [["src/core/rollout.ts", "(canary === undefined || first === 0)", "(canary === undefined || first >= 0)"]],
    tests: ["test/core/rollout.test.ts"],
    name: "ends with its canary",
  },
  {
    guard: "the next wave waits for the one before it",
    edits: [["src/core/rollout.ts", "waveNow(runOf(state, job)) >= waveOf(job)", "waveOf(job) > 0"]],
    tests: ["test/core/rollout.test.ts"],
    name: "waits for a wave that goes on",
  },
  {
    guard: "one silent host does not hold a run on many open",
    edits: [["src/core/absorb.ts", "const missed = isFanOut(job) &&", "const missed = !job &&"]],
    tests: ["test/core/rollout.test.ts"],
    name: "not reached when its time is over",
  },
  {
    guard: "a ticker leaves the hosts of others alone",
    edits: [["src/core/part.ts", "shardOf(id, part.shard.of) === part.shard.index", "shardOf(id, part.shard.of) > 0"]],
    tests: ["test/tick/shards.test.ts"],
    name: "leaves the hosts of others alone",
  },
  {
    guard: "a silent network is told once",
    edits: [["src/core/networks.ts", "silent.length >= least", "silent.length >= 1e9"]],
    tests: ["test/core/networks.test.ts"],
  },
  {
    guard: "a machine's other key than known_hosts has is not pinned, not even with --yes",
    edits: [["src/shell/fleet-add-key.ts", 'if (known === "other")', 'if (known === "other" && !meeting.yes)']],
    tests: ["test/verbs/fleet-add.test.ts"],
    name: "asked for, compared",
  },
  {
    guard: "a host key that was named is compared",
    edits: [
      [
        "src/shell/fleet-add-key.ts",
        "if (wanted === fingerprint) return lock;",
        "if (wanted !== undefined) return lock;",
      ],
    ],
    tests: ["test/verbs/fleet-add.test.ts"],
    name: "asked for, compared",
  },
  {
    guard: "one machine does not come in under two names",
    edits: [
      [
        "src/shell/fleet-add.ts",
        "host.data.identity === identity);",
        'host.data.identity === identity && name === "");',
      ],
    ],
    tests: ["test/verbs/fleet-add.test.ts"],
    name: "come in twice",
  },
  {
    guard: "no private key is written into a repository",
    edits: [
      ["src/shell/pack-keys.ts", 'if (way === "" || (!way.startsWith("..") && !isAbsolute(way)))', 'if (way === "")'],
    ],
    tests: ["test/verbs/fleet-keygen.test.ts"],
    name: "never into a repository",
  },
  {
    guard: "an imported record is written over none",
    edits: [
      [
        "src/shell/new-record.ts",
        "await putNew(fresh, join(at, `${id}.md`));",
        "await rename(fresh, join(at, `${id}.md`));",
      ],
      ["src/shell/new-record.ts", "import { constants, copyFile,", "import { rename, constants, copyFile,"],
    ],
    tests: ["test/verbs/fleet-files.test.ts"],
    name: "two at once",
  },
  {
    guard: "an imported address is no option",
    edits: [["src/core/import-machine.ts", "  if (at) return", "  if (at && at === user) return"]],
    tests: ["test/core/import.test.ts"],
    name: "no path, no option",
  },
  {
    guard: "what stands where a secret's name should is not shown",
    edits: [
      ["src/core/secret-names.ts", "const fine = found.filter((one) => a_name.test(one.word));", "const fine = found;"],
    ],
    tests: ["test/verbs/fleet-files.test.ts"],
    name: "never a value",
  },
  {
    guard: "host: what tmux keeps out of a run's process group ends with it",
    edits: [["src/remote/host/run.sh", '  [ ! -e "$nest/pane" ] || hunt "TOWLINE_SESSION=$PWD/$nest/"\n', ""]],
    tests: ["test/integration/pane.test.ts"],
    name: "a cancel in the second round",
  },
  {
    guard: "a pane does not end under a person's hands",
    edits: [["src/runtimes/tmux-scripts.ts", "      person || return 0\n", "      return 0\n"]],
    tests: ["test/integration/pane.test.ts"],
    name: "sits at its keyboard",
  },
  {
    guard: "no key and no end of a paste is in what is pasted into a pane",
    edits: [
      [
        "src/runtimes/tmux.ts",
        "const prompt = clean(taskText(assignment));",
        'const prompt = clean("") + taskText(assignment);',
      ],
      ["src/core/brief.ts", "const body = clean(prompt).trim();", "const body = prompt.trim();"],
    ],
    tests: ["test/integration/pane.test.ts"],
    name: "a first start asks",
  },
  {
    guard: "an attaching person goes by no jump host that shows another key than the pinned one",
    edits: [
      [
        "src/shell/attach.ts",
        '"-o", "ControlPath=none"];',
        '"-o", "ControlPath=none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];',
      ],
    ],
    tests: ["test/verbs/attach.test.ts"],
    name: "shows another key",
  },
  {
    guard: "an attaching person's ssh agent does not reach a pane",
    edits: [["src/runtimes/tmux-scripts.ts", 'set -gq update-environment ""\n', ""]],
    tests: ["test/integration/pane.test.ts"],
    name: "lives on",
  },
  {
    guard: "a part of a result has the hash that the description names",
    edits: [["src/remote/answers.ts", " || sha256(bytes) !== sum) throw fault(", ") throw fault("]],
    tests: ["test/remote/frame.test.ts"],
    name: "parts",
  },
  {
    guard: "a part that is too big is left out on the host",
    edits: [["src/remote/host/streams.sh", '[ "$bytes" -le "$limit" ] && sha=', "sha="]],
    tests: ["test/remote/parts.test.ts"],
  },
  {
    guard: "links in an outbox are not followed",
    edits: [["src/remote/host/outbox.sh", '[ -L "$file" ] || [ ! -f "$file" ]', '[ ! -f "$file" ]']],
    tests: ["test/remote/talk.test.ts"],
    name: "made to do harm",
  },
  {
    guard: "an outbox behind a link is none",
    edits: [["src/remote/host/outbox.sh", '[ -d "$dir/$box" ] && [ ! -L "$dir/$box" ] &&', '[ -d "$dir/$box" ] &&']],
    tests: ["test/remote/talk.test.ts"],
    name: "elsewhere",
  },
  {
    guard: "a hundred files of an outbox are read, not ten thousand",
    edits: [["src/remote/host/outbox.sh", "[ $# -ge 100 ]", "[ $# -ge 100000 ]"]],
    tests: ["test/remote/talk.test.ts"],
    name: "ten thousand",
  },
  {
    guard: "fields of a message cannot make another verb of it",
    edits: [
      [
        "src/core/talk.ts",
        "{ ...parts.data, verb, text: clean(parts.body).trim() }",
        "{ verb, text: clean(parts.body).trim(), ...parts.data }",
      ],
    ],
    tests: ["test/core/talk.test.ts"],
  },
  {
    guard: "hidden characters in messages are made visible",
    edits: [
      ["src/core/talk.ts", "verb, text: clean(parts.body).trim()", "verb, text: parts.body.trim()"],
      ["src/core/talk.ts", "cut(clean(one.text).trim(), longest", "cut(one.text.trim(), longest"],
    ],
    tests: ["test/core/talk.test.ts"],
  },
  {
    guard: "messages are masked like answers",
    edits: [["src/shell/screen.ts", "messages.map((one) => within(one, message_fields))", "messages"]],
    tests: ["test/secrets/screen.test.ts"],
    name: "outbox",
  },
  {
    guard: "where the search for secrets fails, messages are withheld, too",
    edits: [["src/shell/screen.ts", "messages: ____, remarks: _____, ...rest", "...rest"]],
    tests: ["test/secrets/screen.test.ts"],
    name: "outbox",
  },
  {
    guard: "a run that was collected with its question is no start of the next",
    edits: [["src/shell/hands.ts", "(start.attempt > 1 || answer.epoch <= start.collected)", "start.attempt > 1"]],
    tests: ["test/tick/asking.test.ts"],
    name: "given back",
  },
  {
    guard: "a host gives up a run that its job has gone on from",
    edits: [["src/shell/hands.ts", ": isBehind(state.jobs.get(held.job), held);", ": false;"]],
    tests: ["test/tick/asking.test.ts"],
    name: "went on elsewhere",
  },
  {
    guard: "what a host keeps for a job goes when nobody wants its question answered any more",
    edits: [
      [
        "src/shell/repos.ts",
        'job.data.state === "asking" && unwanted(state, job) !== null',
        'job.data.state === "asking" && state === null',
      ],
    ],
    tests: ["test/code/repos.test.ts"],
    name: "elsewhere or unwanted",
  },
  {
    guard: "host: only so many sessions wait",
    edits: [["src/remote/host/serve.sh", "[ $# -le 40 ] ||", "[ $# -le 4000 ] ||"]],
    tests: ["test/integration/pane.test.ts"],
    name: "of very many",
  },
  {
    guard: "an answered job that cannot go on is not held in silence",
    edits: [["src/core/reclaim.ts", "restsStill(job, placed, claiming.holds, hold);", "{}"]],
    tests: ["test/core/asking.test.ts"],
    name: "cannot go on",
  },
  {
    guard: "silence counts only where a runtime shows progress",
    edits: [["src/shell/hands.ts", 'held.silent && runtimes[job.data.run.runtime ?? ""]?.nudges;', "held.silent;"]],
    tests: ["test/tick/stuck.test.ts"],
    name: "shows no progress",
  },
  {
    guard: "a silent run is told of once",
    edits: [["src/core/stuck.ts", " || run.stuck?.epoch === epoch) continue;", ") continue;"]],
    tests: ["test/core/stuck.test.ts"],
    name: "hear of it once",
  },
  {
    guard: "a choice counts for the run that it was made about",
    edits: [
      ["src/core/stuck.ts", "if (!stuck || stuck.epoch !== epochOf(job)) return null;", "if (!stuck) return null;"],
    ],
    tests: ["test/core/stuck.test.ts"],
    name: "for no later one",
  },
  {
    guard: "an answer that names no choice makes none",
    edits: [["src/core/stuck.ts", "  if (choice === null) {\n", '  if (choice === null && answer === "-") {\n']],
    tests: ["test/core/stuck.test.ts"],
    name: "none of them",
  },
  {
    guard: "a run that is to be started anew is ended first",
    edits: [["src/core/withdraw.ts", ' ?? (chosen(state, job) === "retry" ? startedAnew : null);', ";"]],
    tests: ["test/tick/stuck.test.ts"],
    name: "ends it on its host",
  },
  {
    guard: "host: a run that waits for a person is not silent",
    edits: [["src/runtimes/tmux-scripts.ts", "  waits && return\n", ""]],
    tests: ["test/integration/pane.test.ts"],
    name: "no nudge wakes",
  },
  {
    guard: "globs that somebody made slow are not taken",
    edits: [["src/core/schema.ts", 'glob.split("*").length <= 9', 'glob.split("*").length <= 900']],
    tests: ["test/check/work.test.ts"],
    name: "paths",
  },
  {
    guard: "a message that one run was given is claimed for no other",
    edits: [
      [
        "src/core/live-letters.ts",
        "return holder === undefined || isOver(holder);",
        "return holder === undefined || draft.now.getTime() > 0;",
      ],
    ],
    tests: ["test/tick/letters.test.ts"],
    name: "told in the same tick",
  },
  {
    guard: "what a run may not have been shown is unread again",
    edits: [["src/core/letters.ts", "row.given !== job || row.live !== undefined);", "row.given !== job);"]],
    tests: ["test/tick/letters.test.ts"],
    name: "by its end is unread",
  },
  {
    guard: "what a run was shown at the very last is not given again",
    edits: [["src/core/absorb.ts", "  settleShown(draft, findings.shown);\n", ""]],
    tests: ["test/tick/letters.test.ts"],
    name: "at the very last",
  },
  {
    guard: "messages go to no run that does not hear them",
    edits: [["src/core/live-letters.ts", " && held.hears === true,", ","]],
    tests: ["test/tick/letters.test.ts"],
    name: "does not say that it hears",
  },
  {
    guard: "one run is not told without end",
    edits: [["src/core/live-letters.ts", "const most = 20;", "const most = 2000;"]],
    tests: ["test/tick/letters.test.ts"],
    name: "without end",
  },
  {
    guard: "host: a message that is there, or was shown, is not put again",
    edits: [
      [
        "src/remote/host/tell.sh",
        '[ ! -e "$dir/inbox/tell-$1.md" ] && ! shown "$1" || return',
        '[ -n "$1" ] || return',
      ],
    ],
    tests: ["test/remote/tell.test.ts"],
    name: "never come again",
  },
  {
    guard: "host: nothing in the place of a message is waited for",
    edits: [["src/remote/host/tell.sh", '  plain "$dir.letter"\n', ""]],
    tests: ["test/remote/tell.test.ts"],
    name: "holds nobody up",
  },
  {
    guard: "host: messages are no keys in a pane",
    edits: [["src/runtimes/tmux-scripts.ts", "  } | tr -d '\\\\000-\\\\010\\\\013-\\\\037\\\\177' >", "  } >"]],
    tests: ["test/integration/pane.test.ts"],
    name: "the next thing that it is told",
  },
  {
    guard: "host: a message takes no answer away that was there",
    edits: [
      ["src/runtimes/tmux-scripts.ts", "stop 2>/dev/null || mv -f answered stop", "stop 2>/dev/null || return 0"],
    ],
    tests: ["test/integration/pane.test.ts"],
    name: "take no answer away",
  },
  {
    guard: "an agent that goes on asking comes to an end",
    edits: [["src/core/asking.ts", "const most_questions = 8;", "const most_questions = 800;"]],
    tests: ["test/core/asking.test.ts"],
    name: "again and again",
  },
  {
    guard: "agents that only answer each other are stopped",
    edits: [["src/core/letters.ts", "const deepest = 6;", "const deepest = 600;"]],
    tests: ["test/core/asking.test.ts"],
    name: "loop of answers",
  },
  {
    guard: "a question that nobody answers does not hold its job for ever",
    edits: [["src/core/decide.ts", "  endUnanswered(draft);\n", ""]],
    tests: ["test/core/asking.test.ts"],
    name: "nobody answers",
  },
  {
    guard: "a person's answer is kept until a tick has taken it",
    edits: [["src/core/draft.ts", " || !draft.written.has(memo.path)", ""]],
    tests: ["test/core/asking.test.ts"],
    name: "goes on all the same",
  },
  {
    guard: "open work whose record cannot be read is not lost sight of",
    edits: [["src/core/draft.ts", ", ...brokenRows(draft)]", "]"]],
    tests: ["test/core/asking.test.ts"],
    name: "waits until that is mended",
  },
  {
    guard: "messages are not taken from a run that is tried again",
    edits: [["src/core/absorb.ts", ' && state !== "reworking" && !again)', ' && state !== "reworking")']],
    tests: ["test/core/asking.test.ts"],
    name: "tried again is given them again",
  },
  {
    guard: "messages that ran out fill no mailbox",
    edits: [["src/core/letters.ts", "  draft.letters = fresh(draft);\n", ""]],
    tests: ["test/core/asking.test.ts"],
    name: "keeps no room",
  },
  {
    guard: "what other agents say is fenced in a prompt",
    edits: [["src/runtimes/inbox.ts", "${fenced(clean(text))}`),", "${clean(text)}`),"]],
    tests: ["test/runtimes/task-text.test.ts"],
  },
  {
    guard: "the words of outsiders are fenced in a prompt",
    edits: [
      [
        "src/core/brief.ts",
        "from_outside, fenced([oneLine(title, 300), body].filter(Boolean).join(",
        "from_outside, String([oneLine(title, 300), body].filter(Boolean).join(",
      ],
    ],
    tests: ["test/runtimes/task-text.test.ts"],
  },
  {
    guard: "a limit over a day or month holds back what is due",
    edits: [["src/core/budget.ts", "most === 0 || taken + most", "most >= 0 || taken + most"]],
    tests: ["test/core/budget.test.ts"],
    name: "runs a day",
  },
  {
    guard: "what open jobs may take counts against limits",
    edits: [["src/core/budget.ts", "const taken = spent + reserved;", "const taken = spent + reserved * 0;"]],
    tests: ["test/core/budget.test.ts"],
    name: "is reserved: said by its task",
  },
  {
    guard: "a limit over a time that nobody looked into holds everything back",
    edits: [["src/core/budget.ts", "      return unread;\n", "      if (want.count === -1) return unread;\n"]],
    tests: ["test/core/budget.test.ts"],
    name: "must have been looked up",
  },
  {
    guard: "a job record that cannot be read holds back what limits are for",
    edits: [
      ["src/core/budget.ts", "if (broken !== null) return broken;", "if (broken !== null && !want) return broken;"],
    ],
    tests: ["test/core/budget.test.ts"],
    name: "must have been looked up",
  },
  {
    guard: "what was claimed again on another day than its own counts there",
    edits: [["src/core/budget.ts", 'before("month") || (before("day")', 'before("month") || (false']],
    tests: ["test/core/budget.test.ts"],
    name: "the same on another day",
  },
  {
    guard: "the limit of one run counts all its attempts",
    edits: [["src/core/spent.ts", "if (before[unit] < limit.most) continue;", "if (before[unit] >= 0) continue;"]],
    tests: ["test/core/budget.test.ts"],
    name: "a retry has what",
  },
  {
    guard: "an account at its own limit starts nothing",
    edits: [["src/core/spending.ts", "pausedUntil(draft, account, draft.now)", 'pausedUntil(draft, "", draft.now)']],
    tests: ["test/core/budget.test.ts"],
    name: "all its agents wait",
  },
  {
    guard: "a limit that a dispatched run met holds for all",
    edits: [["src/core/decide-errand.ts", "  draft.levels = alone.levels;\n", ""]],
    tests: ["test/core/budget.test.ts"],
    name: "a dispatched run met",
  },
  {
    guard: "what waits for an account or a limit calls no host",
    edits: [
      ["src/core/matters.ts", "return hold === null || (!hold.person && hold.until === undefined);", "return true;"],
    ],
    tests: ["test/core/asking.test.ts"],
    name: "calls hosts where it can go on",
  },
  {
    guard: "no tool stops an account for ever",
    edits: [["src/core/account.ts", "now.getTime() + longest", "now.getTime() + longest * 9999"]],
    tests: ["test/core/budget.test.ts"],
    name: "told 9999",
  },
  {
    guard: "work that an agent asks for waits for a person",
    edits: [["src/core/triage.ts", '{ status: "draft", asked_by: asker }', "{ asked_by: asker }"]],
    tests: ["test/core/budget.test.ts"],
    name: "is a draft until",
  },
  {
    guard: "no new coding work while reviewers are behind",
    edits: [["src/core/gate.ts", "return open < most\n", "return open >= 0\n"]],
    tests: ["test/core/budget.test.ts"],
    name: "begins no new coding work",
  },
  {
    guard: "a protected path is no agent's to change",
    edits: [
      ["src/core/guard.ts", "if (held !== null) return `is protected", "if (held === undefined) return `is protected"],
    ],
    tests: ["test/core/guard.test.ts"],
    name: "is no agent's to change",
  },
  {
    guard: "protected paths are told in every spelling",
    edits: [["src/core/guard.ts", "const plain = folded(path);", "const plain = path;"]],
    tests: ["test/core/guard.test.ts"],
    name: "is no agent's to change",
  },
  {
    guard: "work adds no links",
    edits: [["src/core/guard.ts", 'if (mode === "120000") return', 'if (mode === "1") return']],
    tests: ["test/core/guard.test.ts"],
    name: "a symbolic link is refused",
  },
  {
    guard: "commits are in the agent's own name",
    edits: [
      [
        "src/core/guard.ts",
        "if (person.name !== identity.name || person.email !== identity.email)",
        "if (person.name === undefined)",
      ],
    ],
    tests: ["test/core/guard.test.ts"],
    name: "another author is refused",
  },
  {
    guard: "work with a secret in it is not pushed",
    edits: [
      [
        "src/core/guard.ts",
        "for (const [place, kinds] of work.secrets)",
        "for (const [place, kinds] of [] as [string, string[]][])",
      ],
    ],
    tests: ["test/code/land.test.ts"],
    name: "in every spelling",
  },
  {
    guard: "a search for secrets that fails counts as a find",
    edits: [["src/shell/land-text.ts", "if (sightings === null) found.set", "if (sightings === undefined) found.set"]],
    tests: ["test/code/land.test.ts"],
    name: "by its shape",
  },
  {
    guard: "other bytes than text are searched for secrets",
    edits: [["src/shell/quarantine-read.ts", "added ?? wordsIn(blobs.get(one.blob))", "added"]],
    tests: ["test/code/hostile.test.ts"],
    name: "a tick brings",
  },
  {
    guard: "what stands in a commit's own headers is searched for secrets",
    edits: [["src/shell/quarantine-read.ts", "committer.email, more].join", "committer.email].join"]],
    tests: ["test/code/hostile.test.ts"],
    name: "a tick brings",
  },
  {
    guard: "headers of a commit that nobody sees",
    edits: [["src/core/guard.ts", "find((line) => !header.test(line))", 'find((line) => line === "-")']],
    tests: ["test/code/hostile.test.ts"],
    name: "a tick brings",
  },
  {
    guard: "texts in selectors of variants",
    edits: [["src/core/guard.ts", "|(?<!\\p{Unified_Ideograph})[\\u{e0100}-\\u{e01ef}]|[\\ufe00-\\ufe0f]{2}/u", "/u"]],
    tests: ["test/code/hostile.test.ts"],
    name: "a tick brings",
  },
  {
    guard: "what is kept of work is made anew of what was looked at",
    edits: [
      ["src/shell/land.ts", "whole ? await packed(found, base) : null", "whole ? bytes : null"],
      ["src/shell/land.ts", "keptOf(ports, found, job, searched", "keptOf(ports, found, job, bytes, searched"],
      [
        "src/shell/land.ts",
        'job: Entry<"job">, whole: boolean',
        'job: Entry<"job">, bytes: Uint8Array, whole: boolean',
      ],
    ],
    tests: ["test/code/hostile.test.ts"],
    name: "hide something beside",
  },
  {
    guard: "names of paths are masked where they are a reason",
    edits: [
      [
        "src/shell/land.ts",
        "refused(await linesOf(ports, breaches.slice(0, 50)), kept)",
        "refused(breaches.slice(0, 50).map(({ path, why }) => `${path} ${why}`), kept)",
      ],
    ],
    tests: ["test/code/land.test.ts"],
    name: "by its shape",
  },
  {
    guard: "a host's words about what is left are data to the agent",
    edits: [["src/core/work.ts", "note.startsWith(not_all) ? not_all : note", "note"]],
    tests: ["test/code/hostile.test.ts"],
    name: "a tick brings",
  },
  {
    guard: "letters stand in a fence among the files of an inbox",
    edits: [["src/runtimes/inbox.ts", "at}\\n\\n${fenced(clean(text))}\\n`;", "at}\\n\\n${clean(text)}\\n`;"]],
    tests: ["test/code/hostile.test.ts"],
    name: "a tick brings",
  },
  {
    guard: "words of others are no part of a script",
    edits: [["src/core/triage.ts", "if (script !== null)", 'if (script === "-")']],
    tests: ["test/code/hostile.test.ts"],
    name: "a tick brings",
  },
  {
    guard: "an agent's answer does not pass for what the check said",
    edits: [["src/core/landed.ts", "    at = end;\n", ""]],
    tests: ["test/code/hostile.test.ts"],
    name: "a tick brings",
  },
  {
    guard: "a subscription's limit is known by its code, whatever words stand beside it",
    edits: [
      ["src/runtimes/claude-result.ts", 'result.api_error === "usage_limit_reached"', 'result.api_error === "-"'],
    ],
    tests: ["test/runtimes/limit.test.ts"],
    name: "claude's outcome carries it",
  },
  {
    guard: "git takes no more memory at once than work needs",
    edits: [
      ["src/shell/quarantine.ts", "GIT_ALLOC_LIMIT: most_memory", 'GIT_ALLOC_LIMIT: most_memory.replace(/.*/, "0")'],
    ],
    tests: ["test/code/hostile.test.ts"],
    name: "bring nothing to a branch",
  },
  {
    guard: "what nobody sees is shown to agents as what it is",
    edits: [["src/core/text.ts", "[\\udc00-\\udc7f\\udd00-\\uddef]/g", "[\\udc00-\\udc7f]/g"]],
    tests: ["test/code/hostile.test.ts"],
    name: "a tick brings",
  },
  {
    guard: "a claim that is given back for the same reason rests",
    edits: [["src/core/claim.ts", " && !rests(draft, job)", " && (!rests(draft, job) || true)"]],
    tests: ["test/core/work.test.ts"],
    name: "less and less often",
  },
  {
    guard: "what stands against a repository is not tried for ever",
    edits: [["src/shell/repos.ts", "final: thrown.code !== exit.outside", "final: false && exit.outside > 0"]],
    tests: ["test/code/repos.test.ts"],
    name: "too large for any host",
  },
  {
    guard: "no work goes below a branch that is there",
    edits: [["src/core/work.ts", 'answer.heads.has("towline") ||', "false ||"]],
    tests: ["test/core/work.test.ts"],
    name: "work stands beside it",
  },
  {
    guard: "a branch in the way of work's is no lock that passes",
    edits: [["src/shell/refusal.ts", "/exists; cannot create|", "/^never$|"]],
    tests: ["test/code/target.test.ts"],
    name: "people's to mend",
  },
  {
    guard: "a bundle brings the one branch that was asked for",
    edits: [["src/core/bundle.ts", "if (only[1] !== ref)", 'if (only[1] === "")']],
    tests: ["test/code/quarantine.test.ts"],
    name: "before git sees it",
  },
  {
    guard: "every object that comes from a host is checked",
    edits: [["src/shell/quarantine.ts", '"--fix-thin", "--strict",', '"--fix-thin",']],
    tests: ["test/code/quarantine.test.ts"],
    name: "git itself would not make",
  },
  {
    guard: "work goes on from the commit that was sent",
    edits: [
      [
        "src/shell/quarantine.ts",
        'return ran.code === 0 ? null : "the branch does not',
        'return ran.code !== null ? null : "the branch does not',
      ],
    ],
    tests: ["test/code/quarantine.test.ts"],
    name: "does not go on from what was sent",
  },
  {
    guard: "what one commit adds and the next takes away is looked at",
    edits: [
      [
        "src/shell/quarantine-read.ts",
        "return [...found, ...(await unlike(git, rest, span))];",
        "return sides[0] ?? [];",
      ],
    ],
    tests: ["test/code/quarantine.test.ts"],
    name: "takes away is seen",
  },
  {
    guard: "a merge brings no old state back",
    edits: [
      ["src/shell/quarantine-read.ts", "return [...found, ...(await unlike(git, rest, span))];", "return found;"],
    ],
    tests: ["test/code/quarantine.test.ts"],
    name: "old state that it brings back",
  },
  {
    guard: "trees are counted before they are walked",
    edits: [["src/shell/quarantine-trees.ts", "if (paths > most.paths)", "if (paths < 0)"]],
    tests: ["test/code/quarantine.test.ts"],
    name: "unfolds into millions",
  },
  {
    guard: "people's pushes to an agent's branch are not pushed over",
    edits: [["src/shell/land.ts", "if (behind.code !== 0) return null;", "if (behind.code === 999) return null;"]],
    tests: ["test/code/land.test.ts"],
    name: "not pushed over",
  },
  {
    guard: "a remark is settled only by a run that worked on it",
    edits: [["src/core/landed.ts", "...(worked ? telling : [])", "...telling"]],
    tests: ["test/core/work.test.ts"],
    name: "has not settled its remarks",
  },
  {
    guard: "a branch that people took away is not made again",
    edits: [
      [
        "src/shell/land.ts",
        "if (there === null && code.head !== undefined)",
        "if (there === null && code.head === null)",
      ],
    ],
    tests: ["test/code/land.test.ts"],
    name: "stays as they left it",
  },
  {
    guard: "no round begins on a branch that was taken away",
    edits: [
      ["src/core/work.ts", "if (code.head !== undefined && !answer.heads", "if (code.head === null && !answer.heads"],
    ],
    tests: ["test/core/work.test.ts"],
    name: "is not made again",
  },
  {
    guard: "what people dropped from a branch does not come back from the host",
    edits: [["src/remote/host/tree.sh", "|| put_back; }", "|| false; }"]],
    tests: ["test/remote/code.test.ts"],
    name: "that people put back",
  },
  {
    guard: "work that is not all committed is not done",
    edits: [
      ["src/core/landed.ts", "landed.left !== undefined) return `${not_all}", 'landed.left === "") return `${not_all}'],
    ],
    tests: ["test/core/work.test.ts"],
    name: "not all committed goes back",
  },
  {
    guard: "a branch of which nothing can be told is no no",
    edits: [["src/shell/target-read.ts", "return commits.length === 0 ? false : null;", "return false;"]],
    tests: ["test/code/forge.test.ts"],
    name: "where it cannot tell",
  },
  {
    guard: "a worktree with work that is nowhere else stays",
    edits: [["src/shell/repos.ts", "if (kept.has(one.job)) continue;", ""]],
    tests: ["test/code/repos.test.ts"],
    name: "worktrees and sessions of jobs",
  },
  {
    guard: "two of one job or pull request are one witness",
    edits: [
      [
        "src/core/candidates.ts",
        "apart.filter((one) => origins.some((origin) => one.has(origin)))",
        "apart.filter((one) => origins.every((origin) => origin === [...one].join()))",
      ],
    ],
    tests: ["test/core/signals.test.ts"],
    name: "are one witness",
  },
  {
    guard: "what people turned down is not proposed again",
    edits: [
      [
        "src/core/candidates.ts",
        "found.filter(notDismissed(found, dismissed, meanings))",
        "found.filter(() => notDismissed(found, dismissed, meanings))",
      ],
    ],
    tests: ["test/core/signals.test.ts"],
    name: "never returns",
  },
  {
    guard: "texts go masked to where embeddings are made",
    edits: [["src/verbs/learn-find.ts", "texts.map((text) => wire.secrets.mask(text))", "texts"]],
    tests: ["test/verbs/learn-embeddings.test.ts"],
    name: "out of sight",
  },
  {
    guard: "what asks for embeddings goes where the settings say, and nowhere else",
    edits: [["src/shell/openai.ts", 'redirect: "error"', 'redirect: "follow"']],
    tests: ["test/verbs/learn-embeddings.test.ts"],
    name: "on to elsewhere",
  },
  {
    guard: "repositories that need more than their commits are not sent",
    edits: [["src/shell/repos.ts", "if (lacks !== null) return {", 'if (lacks === "") return {']],
    tests: ["test/code/repos.test.ts"],
    name: "is not sent",
  },
  {
    guard: "a repository's address runs no program",
    edits: [["src/core/target.ts", "option.test(repo)", "false"]],
    tests: ["test/code/target.test.ts"],
    name: "is no address",
  },
  {
    guard: "a task that a rule made goes to no stranger's repository",
    edits: [["src/core/gate.ts", "!isNamedRepo(task.data.repo)", "!is_named"]],
    tests: ["test/core/work.test.ts"],
    name: "that a stranger may have given",
  },
  {
    guard: "what others wrote is fenced in an agent's task",
    edits: [["src/core/brief.ts", "${fenced(clean(one.text))}`),", "${one.text}`),"]],
    tests: ["test/core/brief.test.ts"],
    name: "cannot leave its fence",
  },
  {
    guard: "rights that are not known are none",
    edits: [
      ["src/core/who.ts", 'if (permission !== "admin" && permission !== "write") return "unknown";', ""],
      ["src/core/authority.ts", "return row.includes(actor) ?", 'return row.includes(actor) || actor === "unknown" ?'],
    ],
    tests: ["test/core/authority.test.ts"],
    name: "while it is not known who asks",
  },
  {
    guard: "owners are known by their number",
    edits: [
      [
        "src/core/who.ts",
        "owners.some(({ id }) => id === person.id)",
        "owners.some(({ login }) => login === person.login)",
      ],
    ],
    tests: ["test/core/authority.test.ts"],
    name: "known by their number",
  },
  {
    guard: "an owner without access at this moment is none",
    edits: [
      [
        "src/core/who.ts",
        'if (permission === "read" || permission === "none") return',
        'if (permission === "read") return "owner"; else if (permission === "none") return',
      ],
    ],
    tests: ["test/core/authority.test.ts"],
    name: "known by their number",
  },
  {
    guard: "bots and apps give no orders",
    edits: [["src/core/who.ts", "person.bot !== false ||", "person.bot === null ||"]],
    tests: ["test/core/authority.test.ts"],
    name: "bots and apps are none",
  },
  {
    guard: "a comment that was edited counts for nobody",
    edits: [["src/core/obey.ts", 'said.edited ? "edited" : "fresh"', '"fresh"']],
    tests: ["test/core/obey.test.ts"],
    name: "an edited comment",
  },
  {
    guard: "a push makes an approval void",
    edits: [
      ["src/core/authority.ts", 'condition === "moved" && bound.has(act)', 'condition === "moved" && act === "why"'],
    ],
    tests: ["test/core/authority.test.ts"],
    name: "moved:",
  },
  {
    guard: "a command is obeyed once",
    edits: [["src/core/obey.ts", "if (heard.has(one.id)) continue;", ""]],
    tests: ["test/core/obey.test.ts"],
    name: "is obeyed once",
  },
  {
    guard: "what a stranger wrote stays a stranger's",
    edits: [
      [
        "src/core/obey.ts",
        "if (verdict.silent) draft.overheard.push(row(draft, said));",
        "if (verdict.silent) return;",
      ],
    ],
    tests: ["test/core/obey.test.ts"],
    name: "when they become one of us",
  },
  {
    guard: "a command is no command further down in a comment",
    edits: [
      [
        "src/core/commands.ts",
        "if (!call.test(first)) return",
        "if (!call.test(first) && !lines.some((one) => call.test(one))) return",
      ],
    ],
    tests: ["test/core/commands.test.ts"],
    name: "is answered with advice",
  },
  {
    guard: "an answer is to what was asked before it",
    edits: [["src/core/deeds-memos.ts", "Date.parse(data.created) <= Date.parse(said.at)", "data.created !== said.at"]],
    tests: ["test/core/obey.test.ts"],
    name: "asked after the comment",
  },
  {
    guard: "only the forge's word on rights makes a task of an issue",
    edits: [
      ["src/core/issue-task.ts", "source !== forge_source", 'source === ""'],
      ["src/core/builtin.ts", '{ source: "github", kind: "issue.labelled"', '{ kind: "issue.labelled"'],
    ],
    tests: ["test/core/issue-task.test.ts"],
    name: "another source tells of",
  },
  {
    guard: "an issue's author must be one who may write",
    edits: [
      ["src/core/issue-task.ts", "if (!verdict.allow) {", "if (!verdict.allow && verdict.later) {"],
      ["src/core/builtin.ts", ', "data.permission": { in: ["admin", "write"] } }', " }"],
    ],
    tests: ["test/core/issue-task.test.ts"],
    name: "of a reader",
  },
  {
    guard: "an issue's author whose rights are not known waits",
    edits: [["src/shell/converse.ts", 'right === "unknown" ? []', 'right === "admin" ? []']],
    tests: ["test/tick/talk.test.ts"],
    name: "while rights are not known",
  },
  {
    guard: "what people do not see of an issue, agents do not get",
    edits: [["src/core/issue-form.ts", '.replace(/<!--[\\s\\S]*?(?:-->|$)/g, "")', ""]],
    tests: ["test/core/issue-task.test.ts"],
    name: "agents do not get",
  },
  {
    guard: "a permission counts for the number, not for the login",
    edits: [["src/forges/github-read.ts", "found.user.id !== who.id || ", ""]],
    tests: ["test/forges/faults.test.ts"],
    name: "somebody who has the login now",
  },
  {
    guard: "nobody may anything where it cannot be found out",
    edits: [["src/forges/github.ts", '} catch {\n        return "none";', '} catch {\n        return "admin";']],
    tests: ["test/forges/faults.test.ts"],
    name: "no right to ask",
  },
  {
    guard: "what may have been done is not sent again",
    edits: [["src/shell/github-api.ts", "{ ...request.request, retries: 0 }", "{ ...request.request }"]],
    tests: ["test/forges/faults.test.ts"],
    name: "starts nothing twice",
  },
  {
    guard: "a fork's branch shows nothing of ours",
    edits: [["src/forges/github-pulls.ts", "head.repo?.id === base.repo?.id && head.repo", "head.repo"]],
    tests: ["test/forges/faults.test.ts"],
    name: "a fork's branch",
  },
  {
    guard: "a comment with our mark is ours only if we wrote it",
    edits: [["src/forges/github-write.ts", " && (await isMe(one.user ?? null))", ""]],
    tests: ["test/forges/faults.test.ts"],
    name: "a comment that carries our mark",
  },
  {
    guard: "only who may write asks for changes",
    edits: [
      [
        "src/forges/github-read.ts",
        'return (await may(by, "review.changes", condition, { own })).allow;',
        "return !own;",
      ],
    ],
    tests: ["test/forges/faults.test.ts"],
    name: "only of people who may write",
  },
  {
    guard: "towline asks itself for no changes",
    edits: [["src/forges/github-read.ts", "isOurs(text) && !by.bot && (await at.isMe(by))", "false"]],
    tests: ["test/forges/faults.test.ts"],
    name: "only of people who may write",
  },
  {
    guard: "a forge's comments are made harmless",
    edits: [
      [
        "src/forges/github-write.ts",
        "marked(marker, outgoing(text, { limit: most_text, ...more }))",
        "marked(marker, text)",
      ],
    ],
    tests: ["test/forges/contract.test.ts"],
    name: "made harmless",
  },
  {
    guard: "work that checks alone send back ends up with people",
    edits: [["src/core/said.ts", "(by === null && tired)", "(by === null && !code)"]],
    tests: ["test/forges/rounds.test.ts"],
    name: "checks alone ask three times",
  },
  {
    guard: "towline does not hear itself",
    edits: [["src/forges/github-talk.ts", 'if (isOurs(one.body ?? "") && (await at.isMe(by))) continue;', ""]],
    tests: ["test/forges/talk.test.ts"],
    name: "the inbox is made once|with their author's rights",
  },
  {
    guard: "a stop by comment holds everything back",
    edits: [["src/core/gate.ts", "if (!told) return null;", "return null;"]],
    tests: ["test/core/obey.test.ts"],
    name: "until an owner takes it back",
  },
  {
    guard: "no part of a secret stands where what an agent was told was cut",
    edits: [["src/core/told.ts", "mask(text.slice(0, keep), { end: true })", "text.slice(0, keep)"]],
    tests: ["test/core/told.test.ts"],
    name: "loses its middle",
  },
  {
    guard: "what an agent was told is not kept where the server finds a secret in it",
    edits: [["src/shell/withhold.ts", "findings.told.set(key, { ...told, text: null });", ""]],
    tests: ["test/tick/refused.test.ts"],
    name: "what an agent was told",
  },
  {
    guard: "what people read of a piece of work holds no secret",
    edits: [["src/shell/land.ts", "body: secrets.mask(body)", "body"]],
    tests: ["test/code/land.test.ts"],
    name: "people are told of the work",
  },
  {
    guard: "what towline said itself is no event to it",
    edits: [["src/pollers/github-levels.ts", '|| isOurs(one.body ?? "")', ""]],
    tests: ["test/pollers/talk.test.ts"],
    name: "towline's own",
  },
  {
    guard: "nobody is called by what towline posts",
    edits: [["src/core/outgoing.ts", ".replace(calls, `@${joiner}`)", '.replace(calls, "@")']],
    tests: ["test/core/outgoing.test.ts"],
    name: "acts on nothing",
  },
  {
    guard: "nobody forges a hidden mark, in code or not",
    edits: [["src/core/outgoing.ts", ".replace(/<(?=!--)/g, `<${joiner}`)", ""]],
    tests: ["test/core/outgoing.test.ts"],
    name: "acts on nothing",
  },
  {
    guard: "a fence that may end early hides nothing",
    edits: [["src/core/outgoing.ts", "if (maybe.test(line)) sure = false", "if (maybe.test(line)) sure = true"]],
    tests: ["test/core/outgoing.test.ts"],
    name: "acts on nothing",
  },
  {
    guard: "no line that towline passes on is a command to the runner",
    edits: [["src/core/outgoing.ts", "line.replace(/^(\\s*):(?=:)/, `$1:${joiner}`)", "line"]],
    tests: ["test/core/outgoing.test.ts"],
    name: "command to the runner",
  },
  {
    guard: "what a source is allowed with goes to no other server",
    edits: [["src/pollers/fetch.ts", "if (next.origin !== url.origin &&", 'if (next.origin === "" &&']],
    tests: ["test/pollers/http.test.ts"],
    name: "to its own server only",
  },
  {
    guard: "half a list says of nothing that it is gone",
    edits: [["src/pollers/http.ts", "if (list.length > most) throw", "if (list.length > 1e9) throw"]],
    tests: ["test/pollers/http.test.ts"],
    name: "too many things",
  },
  {
    guard: "a cursor that moves makes no commit by itself",
    edits: [
      [
        "src/core/draft.ts",
        "if (draft.moved.size > 0 && (changes.size > 0 ||",
        "if (draft.moved.size > 0 && (changes.size >= 0 ||",
      ],
    ],
    tests: ["test/pollers/sources.test.ts"],
    name: "no commit",
  },
  {
    guard: "what another ticker told is not told again",
    edits: [["src/core/raise.ts", "level.after.cursor) === level.after.at;", "level.after.cursor) !== null;"]],
    tests: ["test/pollers/variants.test.ts"],
    name: "another ticker told it",
  },
  {
    guard: "a calendar that cannot be counted through is ended",
    edits: [["src/pollers/calendar-worker.mjs", "if (step >= most_steps) {", "if (step >= 1e12) {"]],
    tests: ["test/pollers/calendar.test.ts"],
    name: "each hour since the year 1",
  },
  {
    guard: "a status is posted on towline's own proposals only, never on a fork's",
    edits: [["src/forges/github-talk.ts", "own: head.repo?.id === base.repo?.id && ", "own: "]],
    tests: ["test/forges/proposals.test.ts"],
    name: "of a fork is data",
  },
  {
    guard: "a proposal that did not move costs no fetch and no write",
    edits: [
      [
        "src/shell/plan-comments.ts",
        "rows.get(number)?.head !== head || rows.get(number)?.left !== undefined",
        "number > 0",
      ],
    ],
    tests: ["test/forges/proposals.test.ts"],
    name: "is one comment",
  },
  {
    guard: "a proposal that fails each time keeps no other waiting",
    edits: [["src/shell/plan-comments.ts", "place(a) - place(b) || a.number", "a.number"]],
    tests: ["test/forges/proposals.test.ts"],
    name: "keeps no other waiting",
  },
  {
    guard: "no proposal is begun that a CI job has no time for",
    edits: [["src/shell/plan-comments.ts", "saying.left() < least_time", "saying.left() < 0"]],
    tests: ["test/forges/proposals.test.ts"],
    name: "is one comment",
  },
  {
    guard: "no secret leaves with a plan comment",
    edits: [
      ["src/verbs/said.ts", "return wire.secrets.mask(await planOfProposal(", "return String(await planOfProposal("],
    ],
    tests: ["test/forges/proposals.test.ts"],
    name: "of a fork is data",
  },
  {
    guard: "what the forge was told stays remembered beside a commit",
    edits: [["src/tick.ts", "if (said.did) tick.spoke = true;", ""]],
    tests: ["test/forges/proposals.test.ts"],
    name: "a tick does it",
  },
  {
    guard: "the forecast of the inbox is made once a day",
    edits: [["src/shell/converse.ts", "forecast?.day !== day", "day"]],
    tests: ["test/forges/proposals.test.ts"],
    name: "a tick does it",
  },
  {
    guard: "a ledger that moved is known by its mark: what was left behind is not written to",
    edits: [["src/shell/ledger-move.ts", "last: tick }", "last: mark.last }"]],
    tests: ["test/ledger/move.test.ts"],
    name: "that read before the move",
  },
  {
    guard: "a merge moves a job only by those who may merge",
    edits: [["src/forges/github-rights.ts", 'if (verdict?.allow) return "merged";', 'return "merged";']],
    tests: ["test/forges/rights.test.ts"],
    name: "is merged or closed by those",
  },
  {
    guard: "closing moves a job only by those who may drop it",
    edits: [["src/forges/github-rights.ts", 'if (verdict?.allow) return "closed";', 'return "closed";']],
    tests: ["test/forges/rights.test.ts"],
    name: "is merged or closed by those",
  },
  {
    guard: "an approval before the last push is none",
    edits: [["src/forges/github-rights.ts", '"fresh" : "moved"', '"fresh" : "fresh"']],
    tests: ["test/forges/rights.test.ts"],
    name: "merged by a machine",
  },
  {
    guard: "a remark that was edited wakes nobody",
    edits: [["src/forges/github-read.ts", 'edited ? "edited" : "fresh"', '"fresh"']],
    tests: ["test/forges/rights.test.ts"],
    name: "is to be changed for those",
  },
  {
    guard: "what a campfire proposes is told to nobody before somebody has merged it who may",
    edits: [["src/core/withheld.ts", "!waiting.has(path) && ", ""]],
    tests: ["test/core/campfire.test.ts"],
    name: "while it is open",
  },
  {
    guard: "a file of a campfire that nobody took is told to nobody",
    edits: [["src/core/withheld.ts", "!withheld.has(`${path} ${sumOf(body)}`) && ", ""]],
    tests: ["test/core/campfire.test.ts"],
    name: "merged: what is there|by one who may not",
  },
  {
    guard: "agents are told through that sieve",
    edits: [["src/shell/knowledge.ts", "insights: insights.filter(may)", "insights"]],
    tests: ["test/campfire/withheld.test.ts"],
  },
  {
    guard: "a merge by one who may not approves nothing",
    edits: [["src/core/campfire-settle.ts", 'if (typeof as === "object") {', "if (false as boolean) {"]],
    tests: ["test/core/campfire.test.ts"],
    name: "by one who may not",
  },
  {
    guard: "who may merge what changes policy decides about a campfire",
    edits: [
      ["src/forges/github-rights.ts", "relation), act, touches, condition)", "relation), act, touched, condition)"],
    ],
    tests: ["test/forges/rights.test.ts"],
    name: "touches the pack's policy",
  },
  {
    guard: "an empty box drops a candidate",
    edits: [["src/core/campfire-settle.ts", " && !stands.unticked.has(one.name)", ""]],
    tests: ["test/core/campfire.test.ts"],
    name: "merged: what is there",
  },
  {
    guard: "a box in somebody's words is no box",
    edits: [["src/core/campfire-file.ts", "if (mark !== undefined) fence = mark;", ""]],
    tests: ["test/core/campfire.test.ts"],
    name: "no box in them counts",
  },
  {
    guard: "words of others stand in fences at a campfire",
    edits: [
      [
        "src/core/campfire-text.ts",
        "fenced(clean(one.text ?? one.title).slice(0, most.text))",
        "clean(one.text ?? one.title)",
      ],
    ],
    tests: ["test/core/campfire.test.ts"],
    name: "no box in them counts",
  },
  {
    guard: "one run is one witness",
    edits: [["src/core/lessons.ts", "origins: [...signal.origins, ...runs]", "origins: signal.origins"]],
    tests: ["test/core/lessons.test.ts"],
    name: "one run",
  },
  {
    guard: "what hangs on a list that was not read whole is read again",
    edits: [["src/pollers/github-lists.ts", 'if (reading.faults.has("pull requests")) tags.forget("pulls");', ""]],
    tests: ["test/pollers/tags.test.ts"],
    name: "read whole",
  },
  {
    guard: "a tag is let go when what it told could not be taken in",
    edits: [["src/pollers/github-lists.ts", "reading.tags.forget(name);\n      throw thrown;", "throw thrown;"]],
    tests: ["test/pollers/tags.test.ts"],
    name: "could not be read is heard",
  },
  {
    guard: "a list that was not read again does not hide what turns stale",
    edits: [["src/pollers/github-lists.ts", 'tags.expire("pulls", Math.min(...stale));', ";"]],
    tests: ["test/pollers/tags.test.ts"],
    name: "turns by itself",
  },
  {
    guard: "what is downloaded goes by the proxy, too",
    edits: [["src/shell/download.ts", "wayOut(options.env ?? {}, at.href)", "wayOut({}, at.href)"]],
    tests: ["test/forges/company.test.ts"],
    name: "through the proxy",
  },
  {
    guard: "only who was sent to GitHub comes back with a code",
    edits: [["src/shell/app-flow.ts", ' || !same(url.searchParams.get("state") ?? "", state)', ""]],
    tests: ["test/forges/app.test.ts"],
    name: "the App is made",
  },
  {
    guard: "the page for a new App is this machine's own",
    edits: [["src/shell/app-flow.ts", "request.headers.host !== at || ", ""]],
    tests: ["test/forges/app.test.ts"],
    name: "the App is made",
  },
  {
    guard: "the key of a new App is its owner's to read",
    edits: [["src/shell/app-flow.ts", '"wx", 0o600', '"wx", 0o644']],
    tests: ["test/forges/app.test.ts"],
    name: "the App is made",
  },
  {
    guard: "a towline that was handed over to hands over to nobody",
    edits: [["src/shell/pinned.ts", "if (handed !== undefined) {", 'if (handed === "") {']],
    tests: ["test/verbs/upgrade.test.ts"],
    name: "does it all",
  },
  {
    guard: "an upgrade leaves what a person changed",
    edits: [["src/core/generated.ts", "was !== undefined && digestOf(before) === was", "was !== undefined"]],
    tests: ["test/verbs/upgrade.test.ts"],
    name: "older version's files",
  },
  {
    guard: "a new pack writes over nothing that is there",
    edits: [["src/shell/init-land.ts", 'flag: "wx"', 'flag: "w"']],
    tests: ["test/verbs/init.test.ts"],
    name: "in the folder",
  },
  {
    guard: "a model's words cite only records that the template cites",
    edits: [["src/core/prose.ts", "if (strange !== undefined) return", "if (false) return"]],
    tests: ["test/core/prose.test.ts"],
    name: "a record that is not there",
  },
  {
    guard: "a model's words add no number",
    edits: [["src/core/prose.ts", "if (added !== undefined) return", "if (false) return"]],
    tests: ["test/core/prose.test.ts"],
    name: "a number",
  },
  {
    guard: "a model's words have no markup of their own",
    edits: [["src/core/prose.ts", 'return "it has markup or an address of its own"', "return null"]],
    tests: ["test/core/prose.test.ts"],
    name: "HTML",
  },
  {
    guard: "words in the ledger are checked like those that come",
    edits: [["src/core/prose.ts", "return proseFault(row.text, facts) === null ?", "return row ?"]],
    tests: ["test/core/prose.test.ts"],
    name: "what somebody wrote into the ledger",
  },
  {
    guard: "a model is not asked for words when the pack's money is spent",
    edits: [["src/core/prose.ts", "return spent ? null", "return false ? null"]],
    tests: ["test/core/prose.test.ts"],
    name: "it is asked once for the same",
  },
  {
    guard: "what a model is to put in words goes where the settings say",
    edits: [["src/shell/openai.ts", 'redirect: "error"', 'redirect: "follow"']],
    tests: ["test/tick/prose.test.ts"],
    name: "a place that leads elsewhere",
  },
  {
    guard: "only who belongs to a repository teaches by old remarks",
    edits: [["src/forges/github-history.ts", 'belongs.has(one.author_association ?? "")', "true"]],
    tests: ["test/verbs/learnings.test.ts"],
    name: "what two pull requests",
  },
  {
    guard: "only work that a person took confirms an insight",
    edits: [["src/core/knowledge-rows.ts", '?.data.state === "review"', "?.data.state !== undefined"]],
    tests: ["test/core/knowledge-rows.test.ts"],
    name: "work that a person took",
  },
  {
    guard: "an event's address on a job's page is one of the web, or none",
    edits: [["src/core/export-jobs.ts", "/^https?:$/.test(new URL(url).protocol)", "true"]],
    tests: ["test/site/export-jobs.test.ts"],
    name: "an event with its rule",
  },
  {
    guard: "no name of a record leads out of the folder of its page",
    edits: [["site/src/folder.ts", 'id.replaceAll(".", "~")', "id"]],
    tests: ["test/site/export-jobs.test.ts"],
    name: "no name of a record",
  },
  {
    guard: "nothing leads to a task's page that is not made",
    edits: [["src/core/export-world.ts", "(world.listed?.has(fragment(id)) ?? true)", "true"]],
    tests: ["test/site/export-jobs.test.ts"],
    name: "of very many tasks",
  },
  {
    guard: "the dashboard leads to a forge by http only",
    edits: [["src/core/forge-links.ts", "if (!at || !/^https?:$/.test(at.protocol) ||", "if (!at ||"]],
    tests: ["test/core/forge-links.test.ts"],
    name: "a company's own server",
  },
  {
    guard: "a path in a link to the forge cannot step up",
    edits: [["src/core/forge-links.ts", ".filter((step) => !/^\\.{0,2}$/.test(step))", ""]],
    tests: ["test/core/forge-links.test.ts"],
    name: "cannot lead to another page",
  },
  {
    guard: "a collection cannot live in a folder of towline's own",
    edits: [["src/core/check-collections.ts", 'if (!own && !first.startsWith(".")) return null;', "return null;"]],
    tests: ["test/check/collections.test.ts"],
    name: "own folders are none",
  },
  {
    guard: "open work is never archived",
    edits: [
      ["src/core/archive-old.ts", " || state.jobs.has(idOf(path))", ""],
      ["src/core/archive-old.ts", "job !== null && isOver(job) &&", "job !== null &&"],
    ],
    tests: ["test/archive/archive.test.ts"],
    name: "what is over goes into files of many",
  },
  {
    guard: "a row of an archive is believed only where that record belongs",
    edits: [
      [
        "src/core/archive.ts",
        'typeof path === "string" && typeof text === "string" && belongs(file, path)',
        'typeof path === "string" && typeof text === "string"',
      ],
    ],
    tests: ["test/archive/archive.test.ts"],
    name: "a row is believed only where",
  },
  {
    guard: "work from elsewhere starts nothing by itself",
    edits: [["src/core/import-tasks.ts", '["status", "draft"]', '["status", "ready"]']],
    tests: ["test/verbs/import.test.ts"],
    name: "a backlog",
  },
  {
    guard: "what people do not see of work from elsewhere, agents do not get",
    edits: [["src/core/import-tasks.ts", 'text.replace(/<!--[\\s\\S]*?(?:-->|$)/g, "")', "text"]],
    tests: ["test/verbs/import.test.ts"],
    name: "issues",
  },
  {
    guard: "nobody leaves over open jobs unasked",
    edits: [["src/verbs/leave.ts", "if (open.length > 0 && !flags.force)", "if (open.length > 1e9)"]],
    tests: ["test/verbs/leave.test.ts"],
    name: "open jobs",
  },
  {
    guard: "what stands in a torn row of the campfire is told to nobody",
    edits: [["src/core/withheld.ts", " && !isTorn(path)", ""]],
    tests: ["test/core/campfire.test.ts"],
    name: "while it is open",
  },
  {
    guard: "the dashboard of a private repository goes nowhere public unless somebody said so",
    edits: [["src/shell/deliver.ts", 'if (found === "public" || found === "nowhere") return;', "if (found) return;"]],
    tests: ["test/site/deliver.test.ts"],
    name: "is not published for all",
  },
  {
    guard: "a private dashboard is not built without what locks it",
    edits: [["src/shell/site-lock.ts", "if (!site?.private) return undefined;", "if (site) return undefined;"]],
    tests: ["test/site/deliver.test.ts"],
    name: "is not built without",
  },
  {
    guard: "of a private dashboard only what is encrypted is put in place",
    edits: [["src/shell/site.ts", 'options.lock ? sealed : join(work, "out")', 'join(work, "out")']],
    tests: ["test/site/private.test.ts"],
    name: "no title, name, count",
  },
  {
    guard: "every piece of a private dashboard has a nonce of its own",
    edits: [["src/shell/seal.ts", "const iv = randomBytes(12);", "const iv = Buffer.alloc(12);"]],
    tests: ["test/site/private.test.ts"],
    name: "pieces are of one size",
  },
  {
    guard: "what older records say is text on their days' pages",
    edits: [["site/src/earlier.ts", "<code>${escaped(line.text)}</code>", "<code>${line.text}</code>"]],
    tests: ["test/site/days.test.ts"],
  },
  {
    guard: "a plugin reads its own folder only",
    edits: [["src/plugin/sandbox.ts", "`--allow-fs-read=${dir}`", '"--allow-fs-read=*"']],
    tests: ["test/plugin/sandbox.test.ts"],
    name: "what the process keeps from it",
  },
  {
    guard: "a plugin's environment is empty",
    edits: [
      ["src/plugin/sandbox.ts", "env: {},", "env: process.env,"],
      ["src/plugin/child.ts", "delete process.env[name];", "void name;"],
    ],
    tests: ["test/plugin/sandbox.test.ts"],
    name: "its environment is empty",
  },
  {
    guard: "a plugin signals no process",
    edits: [["src/plugin/child.ts", '"kill", "_kill", ', ""]],
    tests: ["test/plugin/sandbox.test.ts"],
    name: "what the process keeps from it",
  },
  {
    guard: "a plugin reaches no network that it was not allowed",
    edits: [["src/plugin/child.ts", 'if (network !== "network")', 'if (network === "none")']],
    tests: ["test/plugin/sandbox.test.ts"],
    name: "what the process keeps from it",
  },
  {
    guard: "a plugin that floods is ended",
    edits: [["src/plugin/sandbox.ts", "if (written > output) end(", "if (written < 0) end("]],
    tests: ["test/plugin/sandbox.test.ts"],
    name: "floods its answer",
  },
  {
    guard: "a plugin that does not answer is ended",
    edits: [["src/plugin/sandbox.ts", "Math.max(1, left));", "Math.max(1, left) + 1e9);"]],
    tests: ["test/plugin/sandbox.test.ts"],
    name: "waits for ever",
  },
  {
    guard: "a plugin makes none of towline's own events",
    edits: [["src/core/plugins.ts", '!own_kinds.has(v.split(".", 1)[0] as string)', 'v !== ""']],
    tests: ["test/plugin/sandbox.test.ts"],
    name: "makes a kind of towline's own",
  },
  {
    guard: "a plugin's request carries no secret that its settings do not name",
    edits: [["src/core/plugin-options.ts", "one !== undefined && !may.has(one)", 'one === ""']],
    tests: ["test/plugin/sandbox.test.ts"],
    name: "has a secret sent somewhere",
  },
  {
    guard: "a plugin sees no secret that its settings do not allow",
    edits: [["src/plugin/session.ts", "!settings.secrets?.includes(name)", 'name === ""']],
    tests: ["test/plugin/sandbox.test.ts"],
    name: "wants a secret that nobody allowed",
  },
  {
    guard: "a package runs only as the default branch pins it",
    edits: [["src/plugin/code.ts", "digestOf(code) !== settings.digest", 'settings.digest === ""']],
    tests: ["test/plugin/verbs.test.ts"],
    name: "by the digest",
  },
  {
    guard: "a plugin that is not due starts no process",
    edits: [["src/plugin/index.ts", "return isDue(before.polled[name], mark, now) ? ", 'return mark !== "" ? ']],
    tests: ["test/plugin/tick.test.ts"],
    name: "what is not due",
  },
  {
    guard: "a rule's action of a plugin is done once",
    edits: [["src/plugin/act.ts", "!before.has(one.id) && ", ""]],
    tests: ["test/plugin/tick.test.ts"],
    name: "is done after the record",
  },
  {
    guard: "what a rule asks first is not done before a person says yes",
    edits: [["src/core/triage.ts", "rule.data.ask_first ? [askFirst(draft, rule, pupdate)] :", ""]],
    tests: ["test/core/firing.test.ts"],
    name: "nothing is done before",
  },
  {
    guard: "a no is no yes",
    edits: [["src/core/triage.ts", "if (!word.yes)", "if (false)"]],
    tests: ["test/core/firing.test.ts"],
    name: "is no yes",
  },
  {
    guard: "a yes counts for what was asked only",
    edits: [["src/core/triage.ts", "sumOf(rule) !== word.sum", "false"]],
    tests: ["test/core/firing.test.ts"],
    name: "a yes to one thing",
  },
  {
    guard: "only towline says what a person answered",
    edits: [["src/core/rule-state.ts", 'pupdate.source !== "towline" || ', ""]],
    tests: ["test/core/firing.test.ts"],
    name: "only towline's own word",
  },
  {
    guard: "a glob that is too long means nothing",
    edits: [["src/core/rules.ts", 'operator === "glob" && list(wanted)', 'operator === "-" && list(wanted)']],
    tests: ["test/core/rules.test.ts"],
    name: "no glob takes long",
  },
  {
    guard: "a notice is sent by the tick that took it only",
    edits: [
      ["src/core/notices.ts", "filter((one) => one.tick === tick &&", "filter((one) => one.tick !== undefined &&"],
    ],
    tests: ["test/notify/notify.test.ts"],
    name: "only the tick that took it",
  },
  {
    guard: "what channels get is masked",
    edits: [
      ["src/shell/notify.ts", "const text = mask(messageOf(pack, notices));", "const text = messageOf(pack, notices);"],
    ],
    tests: ["test/notify/notify.test.ts"],
    name: "each kind of channel",
  },
  {
    guard: "nobody calls a whole Slack channel",
    edits: [["src/shell/notify.ts", '.replaceAll("<", "&lt;")', ""]],
    tests: ["test/notify/notify.test.ts"],
    name: "each kind of channel",
  },
  {
    guard: "no agent's word sends another one back to work",
    edits: [["src/core/wake.ts", "|| agentBehind(pupdate) !== null", ""]],
    tests: ["test/core/work.test.ts"],
    name: "a rule wakes the agent",
  },
  {
    guard: "ticks do not run as a user that agents run as",
    edits: [["src/core/watch-unit.ts", "    if (runs)", "    if (runs && id === name)"]],
    tests: ["test/verbs/watch-install.test.ts"],
    name: "the user worker is refused",
  },
  {
    guard: "a private dashboard goes over plain http to this machine only",
    edits: [
      ["src/verbs/watch-serve.ts", "if (site.private && !isLoopback(host))", 'if (site.private && host === "::")'],
    ],
    tests: ["test/verbs/watch-install.test.ts"],
    name: "a private dashboard is served over plain http",
  },
  {
    guard: "what signals say is masked before a model is asked about it",
    edits: [["src/shell/meanings.ts", "texts.map(mask)", "texts"]],
    tests: ["test/campfire/meaning.test.ts"],
    name: "is masked before it is asked about",
  },
  {
    guard: "what people turned down does not come back by its meaning",
    edits: [["src/core/candidates.ts", " || meaning(at, other) >= 100", ""]],
    tests: ["test/core/signals.test.ts"],
    name: "words of another language",
  },
  {
    guard: "rules start only workflows that towline.yml names",
    edits: [["src/core/workflow-calls.ts", " || !mayStart(draft.settings, file)", ""]],
    tests: ["test/notify/workflow.test.ts"],
    name: "another workflow",
  },
  {
    guard: "what events bring into a workflow's inputs is plain words",
    edits: [["src/core/workflow-calls.ts", '.replace(unsafe, "_")', ""]],
    tests: ["test/notify/workflow.test.ts"],
    name: "plain words in an input",
  },
  {
    guard: "a workflow is started by the tick that took it only",
    edits: [["src/core/workflow-calls.ts", "by === tick && inputs", "by !== undefined && inputs"]],
    tests: ["test/notify/workflow.test.ts"],
    name: "only the tick that made it",
  },
  {
    guard: "no workflow is started while everything is stopped",
    edits: [["src/core/workflow-calls.ts", " || stopped(draft, draft.now)) return null;", ") return null;"]],
    tests: ["test/notify/workflow.test.ts"],
    name: "nothing is started while everything is stopped",
  },
  {
    guard: "the inputs of a workflow are masked",
    edits: [["src/shell/start-workflows.ts", "[name, mask(text)]", "[name, text]"]],
    tests: ["test/notify/workflow.test.ts"],
    name: "plain words in an input",
  },
  {
    guard: "a release is what its tag says",
    edits: [["scripts/version.mjs", "tag === `v${version}`", "tag !== version"]],
    tests: ["test/scripts/version.test.ts"],
    name: "a tag releases what stands here",
  },
  {
    guard: "nothing is released in forks and copies",
    edits: [[".github/workflows/release.yml", " && vars.TOWLINE_NPM == 'publish' && ", " && "]],
    tests: ["test/scripts/version.test.ts"],
    name: "forks and copies",
  },
  {
    guard: "the action stays in the workspace",
    edits: [["action.yml", "//* | */../*)", "//*)"]],
    tests: ["test/action/another.test.ts"],
    name: "a wrong input is said",
  },
  {
    guard: "a plugin's transport starts no program that towline.yml does not allow",
    edits: [["src/plugin/plug.ts", "own.program !== program", 'program === ""']],
    tests: ["test/plugin/offers.test.ts"],
    name: "transport carries SSH",
  },
  {
    guard: "a plugin's transport gets no variable that towline.yml does not allow",
    edits: [["src/plugin/plug.ts", "!own.secrets?.includes(one)", 'one === ""']],
    tests: ["test/plugin/offers.test.ts"],
    name: "transport carries SSH",
  },
  {
    guard: "no field of a host's record is an option of the program that leads there",
    edits: [["src/transports/offered.ts", 'value?.startsWith("-")', 'value === "-"']],
    tests: ["test/plugin/offers.test.ts"],
    name: "transport carries SSH",
  },
  {
    guard: "a runtime that a plugin offers sets no variable of the machine's own",
    edits: [["src/core/plugin-offers.ts", "!isKept(name, new Set())", 'name !== ""']],
    tests: ["test/plugin/offers.test.ts"],
    name: "a variable of the machine",
  },
  {
    guard: "a plugin does not stand in for a runtime of towline's own",
    edits: [["src/core/plugin-offers.ts", "runtime && own_runtimes.has(name)", 'runtime && name === ""']],
    tests: ["test/plugin/offers.test.ts"],
    name: "the name of a runtime of ours",
  },
  {
    guard: "work whose plugin fails is held back, and not begun",
    edits: [["src/core/gate.ts", 'if (plugged && "fault" in plugged)', 'if (plugged && "none" in plugged)']],
    tests: ["test/plugin/offers.test.ts"],
    name: "work by a plugin's runtime is done",
  },
  {
    guard: "what a plugin's forge calls merged is merged when git has it",
    edits: [
      [
        "src/forges/offered.ts",
        "(await target.holds(tip, work)) === true",
        "(await target.holds(tip, work)) !== false",
      ],
    ],
    tests: ["test/plugin/offers.test.ts"],
    name: "moves nothing",
  },
  {
    guard: "at a plugin's forge somebody is known by the number",
    edits: [["src/forges/offered.ts", "found.id === by.id", 'found.id !== ""']],
    tests: ["test/plugin/offers.test.ts"],
    name: "moves nothing",
  },
  {
    guard: "a question to a plugin's forge sends nothing",
    edits: [["src/core/plugin-options.ts", '"send" in read.data && !sends', '"send" in read.data && sends === null']],
    tests: ["test/plugin/offers.test.ts"],
    name: "never answers, sends where it is asked",
  },
  {
    guard: "an index is believed for the archive that it was made from only",
    edits: [["src/core/archive-index.ts", "index && index.of === blob && ", "index && "]],
    tests: ["test/archive/index.test.ts"],
    name: "one job is found by the indexes",
  },
  {
    guard: "an index that is not as it was written is not believed",
    edits: [["src/core/archive-index.ts", " && sum === sumOf(rest)", ""]],
    tests: ["test/archive/index.test.ts"],
    name: "one job is found by the indexes",
  },
  {
    guard: "an archive without an index of its own is opened to see whether a job ran",
    edits: [
      [
        "src/shell/archive-index.ts",
        "index === null || mayName(index, names)",
        "index !== null && mayName(index, names)",
      ],
    ],
    tests: ["test/archive/index.test.ts"],
    name: "one job is found by the indexes",
  },
  {
    guard: "a locked site is never taken for built: its key may be another",
    edits: [["src/shell/site-once.ts", "if (options.lock) return", "if (options.lock && options.force) return"]],
    tests: ["test/site/live.test.ts"],
    name: "what was built is not built again",
  },
  {
    guard: "a page speaks of missing ticks only where each tick is told of",
    edits: [["site/src/scripts/age.js", "late && heard.live", "late"]],
    tests: ["test/site/live.test.ts"],
    name: "takes in what a tick commits",
  },
  {
    guard: "rows that are gone from the database are counted",
    edits: [["src/shell/sync-compare.ts", "if (row) differ +=", "if (row && !row) differ +="]],
    tests: ["test/store/compare.test.ts"],
    name: "rows that are gone",
  },
  {
    guard: "upgrade --take gives up nothing that git does not have",
    edits: [["src/verbs/upgrade.ts", "status.code !== 0 || status.stdout.length > 0", "status.code !== 0"]],
    tests: ["test/verbs/upgrade.test.ts"],
    name: "gives way where they say so",
  },
  {
    guard: "what a run prints steers no terminal of those who look on",
    edits: [["src/shell/look-on.ts", "clean(at.mask(piece.text, piece.cut))", "at.mask(piece.text, piece.cut)"]],
    tests: ["test/integration/follow.test.ts"],
    name: "it ends with the run",
  },
  {
    guard: "a proposal that is checked out starts no program here",
    edits: [["src/verbs/plug.ts", "await openOrigin(dir, wire)", "await openLocal(dir, wire)"]],
    tests: ["test/plugin/offers.test.ts"],
    name: "a proposal that is checked out",
  },
];

/** Those that `npm test` tries, to know that the others would be tried, too. */
export const quick = ["an answer carries the nonce of its request", "a cordoned host takes no work", "aliases are off"];
