import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { main } from "../../src/cli.ts";
import { systemClock } from "../../src/shell/clock.ts";
import { resolveKey } from "../../src/shell/fleet-key.ts";
import { maskedReport, masking, visible } from "../../src/shell/masked.ts";
import { openOrigin } from "../../src/shell/pack.ts";
import { createSecrets, noSecrets, passwordsIn, secretsIn } from "../../src/shell/secrets.ts";
import { quiet, wireUp } from "../../src/wire.ts";
import { testPack } from "../fakes/pack.ts";
import { makePack } from "../store/pack.ts";

const dir = mkdtempSync(join(tmpdir(), "towline-known-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const value = "kV9-something-secret-44";

describe("which variables hold secrets", () => {
  test("by their names, by what they hold, and inside addresses", () => {
    const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----";
    const found = secretsIn({
      TURSO_AUTH_TOKEN: "t1",
      GITHUB_TOKEN: "t2",
      ANTHROPIC_API_KEY: "t3",
      db_password: "t4",
      MY_PAT: "t5",
      DEPLOY: key,
      DATABASE_URL: "postgres://me:p%40ss@host/db",
      TURSO_URL: "libsql://x.turso.io?authToken=t6",
      HOME: "/root",
      PATH: "/usr/bin",
      GIT_CONFIG_KEY_0: "core.hooksPath",
      MONKEY: "no",
      TOKENIZER: "no",
      EMPTY_TOKEN: "",
      SSH_KEY: join(dir),
    });
    expect(found.map((one) => `${one.name} ${one.value}`)).toEqual([
      "TURSO_AUTH_TOKEN t1",
      "GITHUB_TOKEN t2",
      "ANTHROPIC_API_KEY t3",
      "db_password t4",
      "MY_PAT t5",
      `DEPLOY ${key}`,
      "DATABASE_URL p%40ss",
      "DATABASE_URL p@ss",
      "TURSO_URL t6",
      "TURSO_URL t6",
    ]);
    expect(passwordsIn("https://ghp_x@github.com/o/n")).toContain("ghp_x");
  });

  test("a key that a host record names is masked from the moment it is read", async () => {
    const secrets = createSecrets({});
    writeFileSync(join(dir, "id"), `${value}\n`);
    const ring = { env: { ODD: `odd-${value}` }, home: dir, secrets };
    await resolveKey("one", "file:~/id", ring);
    await resolveKey("two", "env:ODD", ring);
    expect(secrets.mask(`see ${value} and odd-${value}`)).toBe("see ⟨redacted id⟩ and ⟨redacted ODD⟩");
  });

  test("what towline.yml names for a token is one, whatever its variable is called", async () => {
    const pack = testPack({
      "towline.yml": "id: known\ndatabase: {token: DB_ACCESS}\npollers: {github: {token: FORGE}}\n",
    });
    try {
      const secrets = createSecrets({});
      const env = { ...process.env, DB_ACCESS: `db-${value}`, FORGE: `forge-${value}` };
      await openOrigin(pack.clone, { env, clock: systemClock(), secrets });
      expect(secrets.mask(`db-${value} forge-${value}`)).toBe("⟨redacted DB_ACCESS⟩ ⟨redacted FORGE⟩");
    } finally {
      pack.remove();
    }
  });

  test("one that is too short is told once", () => {
    const secrets = createSecrets({ API_KEY: "short" });
    expect(secrets.warnings()).toEqual([]); // not one of ours
    secrets.add("PIN", "1234");
    secrets.add("PIN", "1234");
    expect(secrets.warnings()).toEqual(["PIN is not masked in records and logs: it has fewer than 8 characters"]);
    expect(secrets.warnings()).toEqual([]);
  });
});

describe("each door, and the same door without its guard", () => {
  const secrets = createSecrets({ THE_TOKEN: value });
  const doors: [string, (guard: typeof secrets) => Promise<string>][] = [
    [
      "a commit: contents, bytes, names, subject, heartbeat",
      async (guard) => {
        const seen: unknown[] = [];
        const repo = masking(
          {
            push: async (_: unknown, changes: Map<string, string | Uint8Array>, note: object) => {
              for (const [path, content] of changes) seen.push(path, Buffer.from(content).toString("latin1"));
              seen.push(note);
            },
            beat: async (_: string, text: string) => void seen.push(text),
          } as never,
          guard,
        );
        const bytes = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(value)]);
        const changes = new Map<string, string | Uint8Array>([
          [`memos/${value}.md`, value],
          ["state/x", bytes],
        ]);
        await repo.push({ policy: "", ledger: null }, changes, { subject: value, tick: "", attempt: 1 });
        await repo.beat("b", value);
        return JSON.stringify(seen);
      },
    ],
    [
      "a report",
      async (guard) => {
        const seen: unknown[] = [];
        const say = (...args: unknown[]) => void seen.push(args);
        const report = maskedReport(
          { progress: say, note: say, warning: say, error: say, summary: async (t) => say(t) },
          guard,
        );
        report.progress(value);
        report.note(value);
        report.warning(value, { path: value });
        report.error(value, { path: value, line: 1 });
        await report.summary(value);
        return JSON.stringify(seen);
      },
    ],
    [
      "what a verb prints and says",
      async (guard) => {
        let seen = "";
        const say = (line: string) => {
          seen += line;
        };
        await main(["check", "--repo", join(dir, value)], {
          ...wireUp(),
          env: {},
          secrets: guard,
          report: { ...quiet, error: say, note: say },
          out: say,
          exit: () => {},
        });
        return seen;
      },
    ],
    [
      "what the database and the dashboard are made of",
      async (guard) => {
        const pack = await makePack();
        try {
          const tips = await pack.commit({ [`tasks/${value}.md`]: `---\ntitle: ${value}\n---\necho ${value}\n` });
          const repo = visible(pack.repo, guard);
          const tree = await repo.tree(tips.policy);
          const again = await repo.tree(
            tips.policy,
            tree.map((item) => item.path),
          );
          expect(again).toEqual(tree);
          const blobs = await repo.blobs(tree.map((item) => item.blob));
          const diff = await repo.diff(null, tips.policy);
          return JSON.stringify([tree, diff, [...blobs.values()].map((b) => Buffer.from(b ?? []).toString())]);
        } finally {
          pack.remove();
        }
      },
    ],
  ];

  test.each(doors)("%s", async (_, open) => {
    const guarded = await open(secrets);
    expect(guarded).toContain("⟨redacted THE_TOKEN⟩");
    expect(guarded).not.toContain(value);
    expect(await open(noSecrets)).toContain(value);
  });
});
