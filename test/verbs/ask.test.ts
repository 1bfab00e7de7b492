// A question on a terminal whose answer is not shown: a real terminal, by the system's `script`, and what is typed there.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { ReadStream } from "node:tty";
import { afterAll, describe, expect, test } from "vitest";
import { askHidden } from "../../src/shell/ask.ts";

const dir = mkdtempSync(join(tmpdir(), "towline-test-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Something typed at, and all that is shown there. */
function terminal(isTTY = true) {
  const input = Object.assign(new PassThrough(), { isTTY, raw: false, setRawMode: (on: boolean) => on });
  let shown = "";
  const write = (text: string) => {
    shown += text;
  };
  const output = { isTTY: true, write };
  return { input: input as unknown as ReadStream & PassThrough, output, shown: () => shown };
}

describe("a question", () => {
  test("is answered by what is typed, which is not shown", async () => {
    const { input, output, shown } = terminal();
    const answer = askHidden("Passphrase: ", input, output);
    await new Promise((resolve) => setTimeout(resolve, 10));
    input.write("wrongg\u0015corr");
    input.write("eccc\u007f\u007ft hörse\r");
    expect(await answer).toBe("correct hörse");
    expect(shown()).toBe("Passphrase: \n");
  });

  test("has no answer where nobody is there, or where they give up", async () => {
    const nobody = terminal(false);
    expect(await askHidden("?", nobody.input, nobody.output)).toBeNull();
    const tired = terminal();
    const answer = askHidden("?", tired.input, tired.output);
    await new Promise((resolve) => setTimeout(resolve, 10));
    tired.input.write("half\u0004");
    expect(await answer).toBeNull();
  });

  test("two questions come one after the other", async () => {
    const { input, output, shown } = terminal();
    const both = Promise.all([askHidden("a? ", input, output), askHidden("b? ", input, output)]);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(shown()).toBe("a? ");
    input.write("one\r");
    await new Promise((resolve) => setTimeout(resolve, 10));
    input.write("two\r");
    expect(await both).toEqual(["one", "two"]);
  });
});

const missing = ["script", "ssh-keygen"].find((one) => spawnSync("sh", ["-c", `command -v ${one}`]).status !== 0);
describe.skipIf(missing !== undefined)(
  `on a real terminal${missing ? `, needs ${missing} (npm test -- --install)` : ""}`,
  () => {
    test("the passphrase of a locked key is asked for once, and shown nowhere", async () => {
      const pack = join(dir, "pack");
      mkdirSync(join(pack, "hosts"), { recursive: true });
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "open sesame", "-f", join(dir, "id")]);
      writeFileSync(join(pack, "towline.yml"), "id: asked\n");
      const host = `---\naddress: 127.0.0.1\nport: 9\nuser: nobody\nkey: file:~/id\nhost_key: SHA256:${"a".repeat(43)}\n---\n`;
      for (const name of ["one", "two"])
        writeFileSync(join(pack, "hosts", `${name}.md`), host.replace("port: 9", `port: ${name === "one" ? 9 : 8}`));
      for (const args of [
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"],
      ])
        execFileSync("git", args, { cwd: pack });
      const program = join(import.meta.dirname, "..", "..", "bin", "towline");
      const command = `'${process.execPath}' '${program}' fleet status --repo '${pack}'`;
      const child = spawn("script", ["-qec", command, "/dev/null"], {
        env: { PATH: process.env.PATH, HOME: dir, NO_COLOR: "1" },
        stdio: ["pipe", "pipe", "ignore"],
      });
      let said = "";
      let typed = false;
      child.stdout.on("data", (chunk) => {
        said += chunk;
        if (!typed && said.includes("Passphrase")) {
          typed = true;
          child.stdin.write("open sesame\r");
        }
      });
      await new Promise((resolve) => child.once("close", resolve));
      expect(said.match(/Passphrase of the SSH key ~\/id: /g)).toHaveLength(1);
      expect(said).toContain("nothing listens there");
      expect(said).not.toContain("sesame");
    });
  },
);
