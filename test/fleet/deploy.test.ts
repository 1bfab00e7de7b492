// `towline fleet deploy`, `rollback` and `teardown` on real OpenSSH machines, judged from their disks and from outside.
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bringUp, type Machine, type Machines } from "../../src/demo/machines.ts";
import { cli } from "../fakes/cli.ts";
import { md, type TestPack } from "../fakes/pack.ts";
import { keyOf, lacksSshd, needs, program, realPack } from "../integration/real.ts";
import { elf, type ReleaseServer, serveReleases, sha, todaysFiles } from "./release-server.ts";

const key = "sk-canary-of-this-deploy-0123456789";
const script = readFileSync(join(import.meta.dirname, "picoclaw.sh"), "utf8");
/** The stand-in in that version; the padding makes it take some pieces. */
const picoclaw = (version: string) =>
  `${script.replace("VERSION=0.0.0", `VERSION=${version}`)}exit 0\n${"# padding\n".repeat(100_000)}`;

describe.skipIf(lacksSshd)(`fleet deploy, ${needs}`, () => {
  let dir: string;
  let up: Machines;
  let pack: TestPack;
  let server: ReleaseServer;
  const bow = () => up.machines[0] as Machine;
  const at = (path: string, machine = bow()) => join(machine.home, path);
  const text = (path: string, machine = bow()) => readFileSync(at(path, machine), "utf8");
  const record = (name = "bow") => readFileSync(join(pack.clone, "hosts", `${name}.md`), "utf8");
  const binary = ".local/bin/picoclaw";
  const run = (args: string[], env: Record<string, string> = {}) =>
    cli(pack.clone, ["fleet", ...args], { ...process.env, HOME: dir, ...keyOf(up.machines), PICO_KEY: key, ...env });
  const deploy = (...args: string[]) => run(["deploy", ...args]);

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "towline-deploy-"));
    up = await bringUp({ dir: join(dir, "machines"), count: 3, names: ["bow", "mid", "stern"], server: "openssh" });
    server = await serveReleases();
  });
  afterAll(async () => {
    await server?.close();
    await up?.down();
    rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  beforeEach(() => {
    pack?.remove();
    for (const { home } of up.machines)
      for (const name of readdirSync(home)) rmSync(join(home, name), { recursive: true, force: true });
    server.fault = null;
    server.asked.splice(0);
    server.releases.clear();
    server.releases.set("v0.2.8", todaysFiles("0.2.8", all(picoclaw("0.2.8"))));
    server.releases.set("v0.2.9", todaysFiles("0.2.9", all(picoclaw("0.2.9"))));
    pack = realPack(up.machines, {
      "agents/scout.md": md("runtime: picoclaw\nmodel: claude-sonnet-4.6"),
      "towline.yml": `id: real\nzone: UTC\ntick: {patience: 1s}\ndefaults: {agent: scout, provider: anthropic, api_key_env: PICO_KEY}\nreleases: {picoclaw: {github: EricGrill/picoclaw, api: "${server.url}/api"}}\n`,
    });
  });

  test("installs, configures, pins, and has nothing to do the second time", async () => {
    const first = await deploy("bow");
    expect([first.code, first.said]).toEqual([0, ""]);
    expect(first.out).toMatch(/✓ bow +installed +0\.2\.9/);
    expect(text(binary)).toBe(picoclaw("0.2.9"));
    expect(statSync(at(binary)).mode & 0o777).toBe(0o755);
    // Its own settings, and what stood in them.
    const config = text(".picoclaw/config.json");
    expect(JSON.parse(config)).toMatchObject({ agents: { defaults: { model_name: "claude-sonnet-4.6" } } });
    expect(config).toContain("12345678901234567890");
    expect(config).not.toContain(key);
    expect(text(".picoclaw/.security.yml")).toBe(`model_list:\n  claude-sonnet-4.6:\n    api_keys:\n      - ${key}\n`);
    expect(text(".picoclaw/.env")).toBe(`PROVIDER=anthropic\nPICO_KEY=${key}\n`);
    for (const name of [".env", ".security.yml", "config.json"])
      expect([name, statSync(at(`.picoclaw/${name}`)).mode & 0o777]).toEqual([name, 0o600]);
    expect([text("onboarded"), existsSync(at("eaten"))]).toEqual(["onboard\n", false]);
    expect(record()).toContain(`runtimes: {picoclaw: "0.2.9 sha256:${sha(picoclaw("0.2.9"))}"}\n---`);
    expect((await run(["status", "bow"])).out).toMatch(/shell picoclaw@0\.2\.9/);
    writeFileSync(at(".picoclaw/workspace/AGENT.md"), "mine");
    const pinned = record();
    server.asked.splice(0);
    const inode = statSync(at(binary)).ino;
    const second = await deploy("bow");
    expect([second.code, second.out]).toEqual([0, expect.stringMatching(/✓ bow +nothing to do +0\.2\.9/)]);
    // Pinned and there: nobody is asked, nothing is written, nothing is run again.
    expect([server.asked, statSync(at(binary)).ino, record(), text("onboarded")]).toEqual([
      [],
      inode,
      pinned,
      "onboard\n",
    ]);
    expect(text(".picoclaw/workspace/AGENT.md")).toBe("mine");
  });

  test("goes to another version and back, by the record as by the disk", async () => {
    await deploy("bow", "--version", "0.2.8");
    const running = spawn("/bin/sh", [at(binary), "version"]);
    const up2 = await deploy("bow", "--version", "latest");
    running.kill("SIGKILL");
    expect(up2.out).toMatch(/✓ bow +replaced +0\.2\.9 +0\.2\.8/);
    expect(readdirSync(at(".local/bin")).sort()).toEqual([".picoclaw.towline-old", "picoclaw"]);
    const back = await run(["rollback", "bow"]);
    expect([back.code, back.out]).toEqual([0, expect.stringMatching(/✓ bow +rolled back +0\.2\.8 +0\.2\.9/)]);
    expect(text(binary)).toBe(picoclaw("0.2.8"));
    expect(record()).toContain(`runtimes: {picoclaw: "0.2.8 sha256:${sha(picoclaw("0.2.8"))}"}`);
    expect((await deploy("bow")).out).toMatch(/✓ bow +nothing to do +0\.2\.8/);
    expect((await run(["rollback", "bow"])).out).toMatch(/✓ bow +rolled back +0\.2\.9 +0\.2\.8/);
    expect(await run(["rollback", "mid"])).toMatchObject({
      code: 3,
      said: expect.stringMatching(/no older picoclaw is kept/),
    });
  });

  test("refuses what is not as pinned, and what cannot be run there; what was there goes on", async () => {
    await deploy("bow", "--version", "0.2.8");
    const before = [text(binary), record()];
    server.releases.set("v0.2.9", {
      ...todaysFiles("0.2.9", all("#!/bin/sh\nexit 0\n")),
      "picoclaw_0.2.9_checksums.txt": `${"0".repeat(64)}  picoclaw_Linux_x86_64.tar.gz\n${"0".repeat(64)}  picoclaw_Linux_arm64.tar.gz\n`,
    });
    expect(await deploy("bow", "--version", "0.2.9")).toMatchObject({
      code: 4,
      said: expect.stringMatching(/not what its checksum says/),
    });
    expect([text(binary), record()]).toEqual(before);
    // The same version with other bytes, and checksums that agree: the pin does not.
    rmSync(at(binary));
    server.releases.set("v0.2.8", todaysFiles("0.2.8", all("#!/bin/sh\n# evil\nexit 0\n")));
    expect(await deploy("bow")).toMatchObject({
      code: 4,
      said: expect.stringMatching(/not what the host's record pins/),
    });
    expect(existsSync(at(binary))).toBe(false);
    writeFileSync(join(dir, "good"), picoclaw("1.0.0"));
    writeFileSync(join(dir, "wrong"), "#!/no/such/interpreter\n");
    writeFileSync(join(dir, "other"), elf(243));
    expect((await deploy("bow", "--file", join(dir, "good"), "--version", "1.0.0")).out).toMatch(/installed +1\.0\.0/);
    expect(await deploy("bow", "--file", join(dir, "wrong"))).toMatchObject({
      code: 4,
      said: expect.stringMatching(/cannot be run on bow/),
    });
    expect(await deploy("bow", "--file", join(dir, "other"))).toMatchObject({
      code: 4,
      said: expect.stringMatching(/built for riscv64/),
    });
    expect([text(binary), readdirSync(at(".local/bin"))]).toEqual([picoclaw("1.0.0"), ["picoclaw"]]);
  });

  test("leaves the others going when one fails, and says what becomes of each", async () => {
    writeFileSync(join(pack.clone, "hosts", "mid.md"), record("mid").replace(/port: \d+/, "port: 1"));
    mkdirSync(at(".picoclaw/workspace", up.machines[2]), { recursive: true });
    writeFileSync(at(".picoclaw/workspace/AGENT.md", up.machines[2]), "mine");
    const { code, out } = await deploy("--all", "--json");
    const rows = JSON.parse(out) as { host: string; state: string; ok: boolean; why: string; warnings: string[] }[];
    expect([code, rows.map(({ host, state, ok }) => [host, state, ok])]).toEqual([
      1,
      [
        ["bow", "installed", true],
        ["mid", "failed", false],
        ["stern", "installed", true],
      ],
    ]);
    expect(rows[1]?.why).toMatch(/nothing listens there/);
    // People's files without a config: nobody onboards over them.
    expect(rows[2]?.warnings.join()).toMatch(/would overwrite/);
    expect([text(".picoclaw/workspace/AGENT.md", up.machines[2]), existsSync(at("onboarded", up.machines[2]))]).toEqual(
      ["mine", false],
    );
    expect((await deploy("nowhere")).code).toBe(2);
    expect((await deploy()).code).toBe(2);
    expect((await deploy("--label", "none")).code).toBe(2);
    expect(await run(["deploy", "bow"], { PICO_KEY: "" })).toMatchObject({
      code: 3,
      said: expect.stringMatching(/PICO_KEY is not set/),
    });
    expect((await run(["deploy", "bow", "--keep-settings"], { PICO_KEY: "" })).code).toBe(0);
  });

  test("goes by a person's own key where they say so", async () => {
    const bare = (...args: string[]) => run(["deploy", "bow", ...args], { TOWLINE_TEST_KEY: "" });
    expect((await bare()).code).toBe(3);
    const { code, out } = await bare("--identity-file", up.keyFile);
    expect([code, out]).toEqual([0, expect.stringMatching(/installed/)]);
  });

  test("changes nothing when it only says what it would do", async () => {
    const before = record();
    const { code, out } = await deploy("bow", "--dry-run");
    expect([code, out]).toEqual([0, expect.stringMatching(/● bow +would be installed +0\.2\.9/)]);
    expect([existsSync(at(".local")), existsSync(at(".picoclaw")), record()]).toEqual([false, false, before]);
  });

  test("changes in people's settings only what is ours", async () => {
    mkdirSync(at(".picoclaw/workspace"), { recursive: true });
    const config =
      '{\n\t"agents": {"defaults": {"model_name": "glm", "max_tokens": 1e5}},\n\t"model_list": [{"model_name": "glm", "model": "zhipu/glm"}],\n\t"chat": 98765432109876543210\n}\n';
    writeFileSync(at(".picoclaw/config.json"), config);
    writeFileSync(
      at(".picoclaw/.security.yml"),
      "# mine\nmodel_list:\n  glm:0:\n    api_keys: [zk] # hers\nweb:\n  brave:\n    api_keys: [b]\n",
    );
    // Settings that people keep somewhere else stay there.
    mkdirSync(at("dotfiles"));
    renameSync(at(".picoclaw/.security.yml"), at("dotfiles/keys.yml"));
    symlinkSync("../dotfiles/keys.yml", at(".picoclaw/.security.yml"));
    writeFileSync(at(".picoclaw/.env"), "export PICO_KEY=old\nOTHER='x y'\n");
    expect((await deploy("bow")).code).toBe(0);
    const now = JSON.parse(text(".picoclaw/config.json"));
    expect([now.agents.defaults.model_name, now.model_list.length, now.model_list[1]]).toEqual([
      "glm",
      2,
      { model_name: "claude-sonnet-4.6", model: "anthropic/claude-sonnet-4.6" },
    ]);
    expect(text(".picoclaw/config.json")).toMatch(/98765432109876543210/);
    expect(text(".picoclaw/.security.yml")).toContain("# mine\nmodel_list:\n  glm:0:\n    api_keys: [ zk ] # hers\n");
    expect(text("dotfiles/keys.yml")).toContain(key);
    expect(text(".picoclaw/.env")).toBe("export PICO_KEY=old\nOTHER='x y'\nPROVIDER=anthropic\n");
    expect(existsSync(at("onboarded"))).toBe(false);
    // A new key takes the place of the old one, and nothing else is said twice.
    expect((await run(["deploy", "bow"], { PICO_KEY: `${key}-new` })).out).toMatch(/settings written/);
    expect(text(".picoclaw/.security.yml").match(/sk-canary/g)).toHaveLength(1);
  });

  test("shows no key and no token to anybody who watches the machine", async () => {
    const sampler = spawn(process.execPath, [join(import.meta.dirname, "..", "secrets", "sampler.mjs"), bow().home]);
    let seen = "";
    sampler.stdout.on("data", (chunk: Buffer) => {
      seen += chunk;
    });
    await new Promise((ready) => sampler.stdout.once("data", ready));
    const child = spawn(process.execPath, [program, "fleet", "deploy", "bow", "--repo", pack.clone], {
      env: { PATH: process.env.PATH, HOME: dir, ...keyOf(up.machines), PICO_KEY: key },
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        said += chunk;
      });
    const code = await new Promise((done) => child.once("close", done));
    sampler.kill("SIGKILL");
    expect([code, said]).toEqual([0, expect.stringMatching(/installed/)]);
    const lines = seen.split("\n").filter((line) => line.startsWith("["));
    expect(lines.some((line) => line.includes("picoclaw") && line.includes("onboard"))).toBe(true);
    expect(lines.filter((line) => line.includes(key) && !line.includes("PICO_KEY="))).toEqual([]);
    const onHost = lines.filter((line) => line.startsWith('["environ"'));
    expect(onHost.length).toBeGreaterThan(0);
    expect(onHost.filter((line) => line.includes(key))).toEqual([]);
    expect(said).not.toContain(key);
    expect(text(".picoclaw/.security.yml")).toContain(key);
  });

  test("is taken down again, with all that it brought, and nothing of anybody else's", async () => {
    await deploy("bow", "--version", "0.2.8");
    await deploy("bow", "--version", "0.2.9");
    for (const [path, what] of [
      [".picoclaw/workspace/AGENT.md", "mine"],
      [".picoclaw/workspace/sessions/one.jsonl", "what was said"],
      [".local/bin/other", "somebody's"],
      [".ssh/authorized_keys", `# mine\nssh-ed25519 AAAAother me@home\nrestrict ${publicLine()} towline\n\n`],
    ] as const) {
      mkdirSync(join(at(path), ".."), { recursive: true });
      writeFileSync(at(path), what);
    }
    expect(await run(["teardown", "bow"])).toMatchObject({ code: 2, said: expect.stringMatching(/nobody said yes/) });
    const look = await run(["teardown", "bow", "--dry-run"]);
    expect(look.out).toMatch(/● bow +would be torn down/);
    expect([look.out.includes("its older self"), look.out.includes(".security.yml"), existsSync(at(binary))]).toEqual([
      true,
      true,
      true,
    ]);
    const { code, out } = await run(["teardown", "bow", "--yes"]);
    expect([code, out]).toEqual([0, expect.stringMatching(/✓ bow +torn down/)]);
    expect(out).toMatch(/left: ~\/\.picoclaw\/workspace/);
    expect(readdirSync(at(".local/bin"))).toEqual(["other"]);
    expect(readdirSync(at(".picoclaw"))).toEqual(["workspace"]);
    expect([text(".picoclaw/workspace/AGENT.md"), existsSync(at(".picoclaw/workspace/sessions"))]).toEqual([
      "mine",
      false,
    ]);
    expect(text(".ssh/authorized_keys")).toContain(publicLine());
    expect((await run(["teardown", "bow", "--yes"])).out).toMatch(/bow +nothing to do/);
    const last = await run(["teardown", "bow", "--yes", "--host-program", "--login"]);
    expect([last.code, last.said]).toEqual([0, ""]);
    expect(text(".ssh/authorized_keys")).toBe("# mine\nssh-ed25519 AAAAother me@home\n\n");
    expect(existsSync(at(".towline"))).toBe(false);
  });

  test("leaves people's own picoclaw as it found it", async () => {
    const own = "#!/bin/sh\necho picoclaw of mine\n";
    const config =
      '{"model_list":[{"model_name":"glm","model":"zhipu/glm"}],"agents":{"defaults":{"model_name":"glm"}}}';
    const security = "# keys\nmodel_list:\n  glm:\n    api_keys:\n      - zk\n";
    mkdirSync(at(".local/bin"), { recursive: true });
    mkdirSync(at(".picoclaw/workspace/sessions"), { recursive: true });
    writeFileSync(at(binary), own, { mode: 0o755 });
    writeFileSync(at(".picoclaw/config.json"), config);
    writeFileSync(at(".picoclaw/.security.yml"), security);
    // Never deployed: nothing is ours.
    expect((await run(["teardown", "bow", "--yes"])).out).toMatch(/bow +nothing to do/);
    expect(text(binary)).toBe(own);
    expect((await deploy("bow")).out).toMatch(/replaced +0\.2\.9 +unknown/);
    expect((await run(["teardown", "bow", "--yes"])).out).toMatch(/torn down/);
    expect([text(binary), text(".picoclaw/.security.yml")]).toEqual([own, security]);
    expect(JSON.parse(text(".picoclaw/config.json"))).toEqual(JSON.parse(config));
    expect(readdirSync(at(".picoclaw")).sort()).toEqual([".security.yml", "config.json", "workspace"]);
    expect(readdirSync(at(".picoclaw/workspace"))).toEqual(["sessions"]);
  });

  test("counts no file as made by it that was there, or that an onboarding which failed may have left", async () => {
    const theirs = "# hers\nmodel_list:\n  glm:\n    api_keys:\n      - zk\n";
    mkdirSync(at(".picoclaw"), { recursive: true });
    writeFileSync(at(".picoclaw/.security.yml"), theirs);
    expect((await deploy("bow")).code).toBe(0);
    expect((await run(["teardown", "bow", "--yes"])).code).toBe(0);
    expect(text(".picoclaw/.security.yml")).toBe(theirs);
    rmSync(at(".picoclaw"), { recursive: true });
    writeFileSync(join(dir, "fails"), "#!/bin/sh\n[ $1 != onboard ]\n");
    expect((await deploy("bow", "--file", join(dir, "fails"))).out).toMatch(/onboard. ended with 1/);
    mkdirSync(at(".picoclaw"));
    writeFileSync(at(".picoclaw/config.json"), "{}");
    expect((await run(["teardown", "bow", "--yes"])).code).toBe(0);
    expect(text(".picoclaw/config.json")).toBe("{}");
  });

  test("brings somebody else's program back after any number of deploys", async () => {
    const own = "#!/bin/sh\necho picoclaw of mine\n";
    mkdirSync(at(".local/bin"), { recursive: true });
    writeFileSync(at(binary), own, { mode: 0o755 });
    const put = (...args: string[]) => deploy("bow", "--keep-settings", ...args);
    await put("--version", "0.2.8");
    expect((await put("--version", "0.2.9")).out).toMatch(/replaced +0\.2\.9 +0\.2\.8/);
    // One that cannot be run is tried beside it, since no way back to ours is kept.
    writeFileSync(join(dir, "wrong"), "#!/no/such/interpreter\n");
    expect(await put("--file", join(dir, "wrong"))).toMatchObject({
      code: 4,
      said: expect.stringMatching(/there still/),
    });
    expect([text(binary), readdirSync(at(".local/bin"))]).toEqual([
      picoclaw("0.2.9"),
      [".picoclaw.towline-old", "picoclaw"],
    ]);
    // The way back leads to theirs, which is then not ours to remove.
    expect((await run(["rollback", "bow"])).code).toBe(0);
    expect(text(binary)).toBe(own);
    expect((await put("--version", "0.2.8")).out).toMatch(/replaced/);
    expect((await run(["teardown", "bow", "--yes"])).code).toBe(0);
    expect([text(binary), readdirSync(at(".local/bin"))]).toEqual([own, ["picoclaw"]]);
    await put("--version", "0.2.8");
    await run(["rollback", "bow"]);
    // Pinned now, and configured: that makes it no more ours.
    expect((await deploy("bow")).out).toMatch(/settings written/);
    expect((await run(["teardown", "bow", "--yes"])).code).toBe(0);
    expect([text(binary), readdirSync(at(".local/bin"))]).toEqual([own, ["picoclaw"]]);
  });

  test("is not taken down under a job that is open there, unless one insists", async () => {
    await deploy("bow");
    pack.push({
      "agents/hand.md": md("runtime: shell"),
      "tasks/long.md": md("title: Takes long\nagent: hand\nhosts: bow", "sleep 60"),
    });
    const tick = await cli(pack.clone, ["tick", "--no-site", "--no-sync"], {
      ...process.env,
      ...keyOf(up.machines),
      PICO_KEY: key,
    });
    expect(tick.out).toMatch(/started long on bow/);
    const said = await run(["teardown", "bow", "--yes"]);
    expect(said).toMatchObject({ code: 3, said: expect.stringMatching(/1 job is open on it: long-/) });
    // Also when nobody fetched what is in the ledger: the host knows.
    const at_host = await run(["teardown", "bow", "--yes", "--host-program"]);
    expect(at_host.code).toBe(3);
    expect(existsSync(at(binary))).toBe(true);
    expect((await run(["teardown", "bow", "--yes", "--force"])).code).toBe(0);
    expect(existsSync(at(binary))).toBe(false);
  });

  const publicLine = () => readFileSync(join(dir, "machines", "bow", "authorized_keys"), "utf8").trim();
  const all = (bytes: string) => ({ amd64: bytes, arm64: bytes });
});
