// What machines are told from: systems that can do no work, tools that are missing, users that cannot be become.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { installLine, limits, readSurvey, unfit } from "../../src/core/machine.ts";
import { enrollHost } from "../../src/shell/enroll.ts";

const survey = (more: Record<string, string> = {}) => {
  const said = { system: "Linux", machine: "x86_64", bits: "64", user: "pi", proc: "yes", home: "yes", ...more };
  const lines = Object.entries(said).map(([key, value]) => `towline-survey ${key} ${value}`);
  const read = readSurvey(["noise", "towline-survey begin", ...lines, "towline-survey end", ""].join("\n"));
  if (!read) throw new Error("not read");
  return read;
};

describe("what was found", () => {
  test("a look that broke off is none", () => {
    expect(readSurvey("")).toBe(null);
    expect(readSurvey("towline-survey begin\ntowline-survey system Linux\n")).toBe(null);
    expect(readSurvey("This account is currently not available.\n")).toBe(null);
  });
  test("a Mac, a BSD and a jail without /proc do no work, and it is said why", () => {
    expect(unfit(survey())).toBe(null);
    expect(unfit(survey({ system: "Darwin", machine: "arm64", proc: "" }))?.message).toContain("is a Mac (arm64)");
    expect(unfit(survey({ system: "FreeBSD" }))?.message).toContain("runs FreeBSD");
    expect(unfit(survey({ proc: "" }))?.message).toContain("no /proc");
    expect(unfit(survey({ home: "" }))?.message).toContain("no home");
  });
  test.each([
    [{ machine: "armv7l", bits: "32" }, "32-bit ARM (armv7l)"],
    [{ machine: "armv6l", bits: "32" }, "32-bit ARM (armv6l)"],
    [{ machine: "aarch64", bits: "32" }, "32-bit ARM (aarch64)"],
    [{ machine: "i686", bits: "32" }, "a 32-bit system"],
  ])("32 bits have limits: %o", (more, words) => expect(limits(survey(more)).join()).toContain(words));
  test("64 bits have none", () => {
    expect(limits(survey({ machine: "aarch64" }))).toEqual([]);
    expect(limits(survey({ machine: "riscv64", bits: "" }))).toEqual([]);
  });
  test("the line that brings what is missing", () => {
    expect(installLine(["setsid", "tee", "df"], ["raspbian", "debian"])).toBe("apt-get install util-linux coreutils");
    expect(installLine(["setsid"], ["alpine"])).toBe("apk add util-linux-misc");
    expect(installLine(["grep"], ["arch"])).toBe("Debian: apt-get install grep · Alpine: apk add grep");
  });
});

describe("a machine whose tools are others", () => {
  const system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  let dir: string;
  let bin: string;
  const record = "---\naddress: localhost\ntransport: local\n---\n";
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "towline-machine-"));
  });
  beforeEach(() => {
    rmSync(dir, { recursive: true, force: true });
    bin = join(dir, "bin");
    for (const folder of ["bin", "hosts", "home"]) mkdirSync(join(dir, folder), { recursive: true });
    writeFileSync(join(dir, "hosts", "home.md"), record);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const enroll = (PATH: string) =>
    enrollHost({ dir, host: "home", env: { PATH }, home: join(dir, "home"), confirm: async () => true });
  const put = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  const untouched = () => {
    expect(readFileSync(join(dir, "hosts", "home.md"), "utf8")).toBe(record);
    expect(existsSync(join(dir, "home", ".towline"))).toBe(false);
  };

  test("a Mac is refused before anything is put on it", async () => {
    put("uname", "case $1 in -s) echo Darwin ;; *) echo arm64 ;; esac");
    await expect(enroll(`${bin}:${system}`)).rejects.toThrow("home is a Mac (arm64)");
    untouched();
  });

  test("32-bit ARM is enrolled, with its limits", async () => {
    put("uname", "case $1 in -s) echo Linux ;; *) echo armv7l ;; esac");
    put("getconf", "echo 32");
    const enrolled = await enroll(`${bin}:${system}`);
    expect(enrolled.warnings.join()).toContain("32-bit ARM (armv7l)");
    expect(enrolled).toMatchObject({ missing: [], facts: { arch: "armv7l" } });
  });

  /** All that the system has, but these. */
  function without(...names: string[]) {
    for (const folder of ["/usr/bin", "/bin"])
      for (const tool of execFileSync("ls", [folder], { encoding: "utf8" }).split("\n"))
        if (tool && !names.includes(tool) && !existsSync(join(bin, tool)))
          symlinkSync(join(folder, tool), join(bin, tool));
    return bin;
  }

  test("a missing tool is named, with the package that brings it", async () => {
    const enrolled = await enroll(without("setsid", "timeout"));
    expect(enrolled.missing).toEqual(["setsid"]);
    expect(enrolled.install).toContain("util-linux");
    expect(enrolled.warnings.join()).toContain("no `timeout`");
  });

  test("without sha256sum nothing can be put there", async () => {
    await expect(enroll(without("sha256sum"))).rejects.toMatchObject({
      message: expect.stringContaining("lacks sha256sum"),
      advice: expect.stringContaining("coreutils"),
    });
    untouched();
  });
});
