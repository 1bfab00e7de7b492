// The gate behind which a key of towline can stand: two questions pass, to the byte; nothing else does, in any shell.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { gateScript, gateText, keysScript } from "../../src/remote/enrolment.ts";
import { asUser, hostProgram, installCommand, programOf, serveCommand } from "../../src/remote/program.ts";

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const seat = { root: ".towline" };
const program = hostProgram();
const other = programOf("echo another program >&2\n");
const shells = [
  { shell: "/bin/dash", args: [] },
  { shell: "/bin/bash", args: ["--posix"] },
  { shell: "/bin/busybox", args: ["sh"] },
];

test("what gates know by heart stays as it is: a change locks hosts out", () => {
  const hash = "0".repeat(64);
  const known = [
    serveCommand(seat, { sha256: hash }),
    installCommand(seat, { sha256: hash }),
    serveCommand({ root: ".towline", user: "agents" }, { sha256: hash }),
    installCommand({ root: "/srv/t", user: "agents" }, { sha256: hash }),
  ];
  const heart = known.map((text) => createHash("sha256").update(text).digest("hex").slice(0, 16));
  expect(known[0]).toBe(`cd && exec sh .towline/bin/${hash} serve`);
  expect(heart).toEqual(["5dbd1da1e17841b2", "231a4fbede21e2e9", "88ec62c5dfea5e1b", "b5b3f4c9b2049d97"]);
});

describe.each(shells.map((one) => ({ ...one, lacks: existsSync(one.shell) ? "" : `[needs ${one.shell}]` })))(
  "the gate under $shell $lacks",
  ({ shell, args, lacks }) => {
    let home: string;
    const bin = () => join(home, ".towline", "bin");
    const allow = (text: string) => writeFileSync(join(home, ".towline", "allow"), text);
    beforeAll(() => {
      home = mkdtempSync(join(tmpdir(), "towline-gate-"));
    });
    beforeEach(() => {
      rmSync(join(home, ".towline"), { recursive: true, force: true });
      mkdirSync(bin(), { recursive: true });
      writeFileSync(join(bin(), program.sha256), 'echo "served $*" >&2; cat >/dev/null\n');
      writeFileSync(join(bin(), "gate"), gateText(seat));
    });
    afterAll(() => rmSync(home, { recursive: true, force: true }));

    function ask(asked: string | undefined, input = "") {
      const env = { HOME: home, PATH: path, ...(asked === undefined ? {} : { SSH_ORIGINAL_COMMAND: asked }) };
      const ran = spawnSync(shell, [...args, join(bin(), "gate")], { cwd: home, env, input, encoding: "utf8" });
      return { code: ran.status, out: ran.stdout, err: ran.stderr };
    }
    const marks = () => readdirSync(home).filter((name) => name !== ".towline");

    test.skipIf(lacks !== "")("lets a conversation with a program that is there through", () => {
      expect(ask(serveCommand(seat, program))).toEqual({ code: 0, out: "", err: "served serve gated\n" });
      // As without a gate: the program is missing, so whoever calls brings it.
      expect(ask(serveCommand(seat, other)).code).not.toBe(77);
      expect(ask(serveCommand(seat, other)).err).not.toContain("towline gate");
    });

    test.skipIf(lacks !== "").each<[string, string | null, boolean]>([
      ["no allow file", null, false],
      ["an empty one", "", false],
      ["another program", `program ${program.sha256}\n`, false],
      ["this program", `pack any\nprogram ${other.sha256} # 2026\n`, true],
      ["any", "# mine\n\nprogram any", true],
      ["half of its hash", `program ${other.sha256.slice(0, 32)}\n`, false],
      ["a pattern", "program *\n", false],
      ["a file with a line that is not known", "program any\nprograms any\n", false],
      ["a file with a word too many", "program any thing\n", false],
      ["lines of another system", "program any\r\n", false],
    ])("a new program comes in only where the owner lists it: %s", (_, text, enters) => {
      if (text !== null) allow(text);
      const ran = ask(installCommand(seat, other), other.text);
      expect([ran.code === 0, existsSync(join(bin(), other.sha256))]).toEqual([enters, enters]);
      if (enters) expect(ran.out).toBe("\ninstalled\n");
      else expect([ran.code, ran.err]).toEqual([77, expect.stringContaining(`program ${other.sha256}`)]);
    });

    test.skipIf(lacks !== "")("under an allowed name nothing else comes in", () => {
      allow(`program ${other.sha256}\n`);
      expect(ask(installCommand(seat, other), `${other.text}touch "$HOME/in"\n`).code).toBe(9);
      expect(readdirSync(bin()).sort()).toEqual([program.sha256, "gate"].sort());
    });

    const serve = serveCommand(seat, program);
    const install = installCommand(seat, program);
    const hostile: (string | undefined)[] = [
      undefined,
      "",
      " ",
      "sh",
      "id",
      'touch "$HOME/in"',
      "/usr/lib/openssh/sftp-server",
      "internal-sftp",
      "scp -t /tmp",
      "rsync --server . /",
      `${serve} `,
      ` ${serve}`,
      `${serve}\n`,
      `${serve}\ntouch in`,
      `touch in\n${serve}`,
      `touch in; ${serve}`,
      `${serve}; touch in`,
      `${serve} && touch in`,
      `${serve} | touch in`,
      `${serve}& touch in`,
      `${serve}\r`,
      serve.replace(" serve", " supervise p/jobs/x/1 'touch in'"),
      serve.replace(" serve", "  serve"),
      serve.replace("cd &&", "cd;"),
      serve.replace(program.sha256, "../../in"),
      serve.replace(program.sha256, "$(touch in)"),
      serve.replace(program.sha256, `${program.sha256}/../x`),
      serve.replace(program.sha256, program.sha256.toUpperCase()),
      serve.replace(program.sha256, program.sha256.slice(1)),
      serve.replace(program.sha256, `${program.sha256}0`),
      serve.replace(program.sha256, "@@"),
      serve.replace(program.sha256, "?".repeat(64)),
      serve.replace(program.sha256, "*"),
      serve.replace(program.sha256, `${"a".repeat(63)};`),
      serve.replace(program.sha256, `${"a".repeat(63)}\n`),
      serve.replace(program.sha256, "é".repeat(32)),
      serve.replace(".towline", ".evil"),
      serve.replace(".towline", "."),
      asUser("root", serve),
      asUser("agents", serve),
      install.replace("exit 9", "touch in"),
      install.replace("umask 077", "touch in"),
      `${install} touch in`,
      `${install}; touch in`,
      install.replace(program.sha256, other.sha256),
      install.replaceAll(program.sha256, "x"),
      `sh -c '${serve}'`,
      `env A=b ${serve}`,
      `-c ${serve}`,
      "%s%n",
      "\\",
      "'",
      '"',
      "`touch in`",
      "$(touch in)",
      "${IFS}",
      "@@",
      "x".repeat(100_000),
    ];
    test.skipIf(lacks !== "")(`nothing else goes through (${hostile.length} tries)`, () => {
      allow("program any\n");
      for (const asked of hostile) {
        const ran = ask(asked, "touch in\n");
        expect({ asked, code: ran.code, out: ran.out }).toEqual({ asked, code: 77, out: "" });
        expect(ran.err).toMatch(/^towline gate: this key may only hold conversations/);
      }
      expect(marks()).toEqual([]);
    });

    test.skipIf(lacks !== "")("nor does anything that is near", () => {
      allow("program any\n");
      const near = fc
        .tuple(
          fc.constantFrom(serve, install),
          fc.nat(),
          fc.constantFrom("", " ", "\n", ";", "&", "|", "$", "`", "'", '"', "\\", "/", "x", "0", "*", "é", "\t"),
          fc.nat({ max: 2 }),
        )
        .map(([text, where, put, cut]) => {
          const at = where % (text.length + 1);
          return text.slice(0, at) + put + text.slice(at + cut);
        })
        .filter((text) => text !== serve && text !== install)
        // Another hash in the right place is another program, which is a question of its own.
        .filter((text) => text !== serveCommand(seat, { sha256: /[0-9a-f]{64}/.exec(text)?.[0] ?? "" }));
      fc.assert(
        fc.property(near, (asked) => {
          expect({ asked, code: ask(asked, "touch in\n").code }).toEqual({ asked, code: 77 });
        }),
        { numRuns: 60 },
      );
      expect(marks()).toEqual([]);
    });

    function script(text: string) {
      const env = { HOME: home, PATH: path };
      return spawnSync(shell, args, { cwd: home, env, input: text, encoding: "utf8" }).stdout;
    }

    test.skipIf(lacks !== "")("a gate that serves another seat is not written over", () => {
      const theirs = { root: ".towline", user: "agents" };
      const before = `${gateText(seat)}# of an older version\n`;
      writeFileSync(join(bin(), "gate"), before);
      for (const other of [theirs, { ...theirs, user: "agent" }]) {
        expect(script(gateScript(other))).toBe("towline-gate other\n");
        expect(readFileSync(join(bin(), "gate"), "utf8")).toBe(before);
      }
      expect(readdirSync(bin()).sort()).toEqual([program.sha256, "gate"].sort());
      expect(script(gateScript(seat))).toBe("towline-gate written\n");
      expect(readFileSync(join(bin(), "gate"), "utf8")).toBe(gateText(seat));
      rmSync(join(bin(), "gate"));
      for (const _ of [1, 2]) expect(script(gateScript(theirs))).toBe("towline-gate written\n");
    });

    test.skipIf(lacks !== "")("a key that is locked to another gate stays there", () => {
      const key = "ssh-ed25519 AAAAC3Nz";
      const file = join(home, ".ssh", "authorized_keys");
      expect(script(keysScript("lock", key, "one", seat))).toMatch(/^towline-keys written lock/);
      const before = readFileSync(file, "utf8");
      expect(script(keysScript("lock", key, "two", { root: "/srv/two" }))).toBe("towline-keys other\n");
      expect(readFileSync(file, "utf8")).toBe(before);
      expect(script(keysScript("lock", key, "two", seat))).toMatch(/^towline-keys written lock/);
      rmSync(join(home, ".ssh"), { recursive: true });
    });

    test.skipIf(lacks !== "")("a gate for agents under another user asks for that user, and for no other", () => {
      const theirs = { root: ".towline", user: "agents" };
      writeFileSync(join(bin(), "gate"), gateText(theirs));
      for (const asked of [serve, serveCommand({ ...theirs, user: "root" }, program), install])
        expect(ask(asked).code).toBe(77);
      const ran = ask(serveCommand(theirs, program));
      expect([ran.code === 77, ran.err.includes("served")]).toEqual([false, false]); // there is no such user here
    });
  },
);
