// Rules that start workflows: only those that towline.yml names, by the tick that wrote it down, once, with plain inputs.
import { afterEach, expect, test, vi } from "vitest";
import { check } from "../../src/core/check.ts";
import { outside } from "../../src/errors.ts";
import type { Forge } from "../../src/ports.ts";
import { runtimes } from "../../src/runtimes/index.ts";
import { startWorkflows } from "../../src/shell/start-workflows.ts";
import { cli } from "../fakes/cli.ts";
import { basics, md, testPack } from "../fakes/pack.ts";
import { type World, world } from "../fakes/world.ts";
import { type Hub, serve } from "../forges/server.ts";

vi.setConfig({ testTimeout: 120_000 });
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const yml = "id: n\nname: n\nforge: {name: github, workflows: [deploy.yml]}\n";
const rule = (call: string, more = "") => ({
  "rules/r.md": md(`when: {kind: alert.down}\nthen: [{call: ${call}}]\n${more}`),
});
const deploy = "{workflow: deploy.yml, inputs: {host: web1, why: 'down: {{title}}'}}";

function commit(one: World, title = "it is down", time = "09:00:00"): string {
  one.levels = [{ source: "mine", subject: "web1", family: "alert", kind: "alert.down", state: title, title }];
  one.tick(`2026-11-20T${time}Z`, () => null);
  one.levels = [];
  return (one.state().notices ?? []).findLast(({ tick }) => tick !== undefined)?.tick ?? "";
}

type Sent = Parameters<Forge["dispatch"]>;
function forge(answer: () => { sent: true } | { notHere: string } = () => ({ sent: true })) {
  const sent: Sent[] = [];
  return { sent, dispatch: async (...given: Sent) => (sent.push(given) > 0 ? answer() : { notHere: "" }) };
}
const canary = "key_canary0123456789abcdef";
const mask = (text: string) => text.replaceAll(canary, "•••");

test("what a rule starts stands in the commit first, and only the tick that made it starts it", async () => {
  const one = world({ "towline.yml": yml, ...rule(deploy) });
  const tick = commit(one, "it is down");
  expect(one.state().notices).toMatchObject([{ channel: "workflow:deploy.yml", tick, subject: "web1" }]);
  const at = forge();
  expect(await startWorkflows(at, mask, one.state(), tick)).toEqual({ note: "deploy.yml started" });
  expect(at.sent).toEqual([[".", { workflow: "deploy.yml", inputs: { host: "web1", why: "down: it is down" } }]]);
  const other = forge();
  expect(await startWorkflows(other, mask, one.state(), "another")).toEqual({});
});

test("what came in from outside is plain words in an input, one line, masked", async () => {
  const one = world({
    "towline.yml": yml,
    ...rule("{workflow: deploy.yml, inputs: {title: '{{title}}', own: '$(mine)'}}"),
  });
  const tick = commit(one, `--x "$(touch y)" \`id\` \${{ secrets.A }} a;b|c ${canary} naïve`);
  const at = forge();
  await startWorkflows(at, mask, one.state(), tick);
  expect(at.sent[0]?.[1]).toMatchObject({
    // What the rule's author wrote is the author's.
    inputs: { title: expect.stringMatching(/^x [\p{L}\p{N} _.,:/@#+=%•-]+$/u), own: "$(mine)" },
  });
  expect(JSON.stringify(at.sent)).not.toContain(canary);
});

test.each([
  ["another workflow", yml, "{workflow: other.yml}"],
  ["a path", yml, "{workflow: ../deploy.yml}"],
  ["a forge that is git alone", "id: n\nname: n\n", "{workflow: deploy.yml}"],
  ["inputs that are none", yml, "{workflow: deploy.yml, inputs: [a]}"],
])("%s: a memo says that it cannot be done", (_, settings, call) => {
  const one = world({ "towline.yml": settings, ...rule(call) });
  expect(commit(one)).toBe("");
  expect(
    [...one.files].filter(([path, text]) => path.startsWith("memos/") && text.includes("forge.workflows")),
  ).toHaveLength(1);
});

test("nothing is started while everything is stopped, nor by settings that no longer allow it", async () => {
  const one = world({ "towline.yml": yml, "STOP.md": md(""), ...rule(deploy) });
  expect([commit(one), one.state().notices ?? []]).toEqual(["", []]);
  one.files.delete("STOP.md");
  const tick = commit(one, "again", "09:30:00");
  one.files.set("towline.yml", "id: n\nname: n\nforge: {name: github}\n");
  const at = forge();
  expect([await startWorkflows(at, mask, one.state(), tick), at.sent]).toEqual([{}, []]);
});

test("without an answer it is not known whether it began: that is said, and it is not asked for again", async () => {
  const one = world({ "towline.yml": yml, ...rule(deploy) });
  const tick = commit(one);
  const lost = forge(() => {
    throw outside("github.com did not answer", "later");
  });
  expect(await startWorkflows(lost, mask, one.state(), tick)).toEqual({
    degraded: "deploy.yml for web1 may not have started, and is not asked for again: github.com did not answer",
  });
  expect(
    await startWorkflows(
      forge(() => ({ notHere: "it has none" })),
      mask,
      one.state(),
      tick,
    ),
  ).toEqual({
    degraded: "deploy.yml was not started: it has none",
  });
});

const told = (files: Record<string, string>) =>
  check({
    files: Object.entries(files).map(([path, text]) => ({ path, text, mode: "100644", size: text.length })),
    runtimes: Object.keys(runtimes),
  })
    .problems.filter(({ path }) => path === "towline.yml" || path.startsWith("rules/"))
    .map(({ path, line, message, fix }) => `${path}:${line} ${message} (${fix})`);
const file = (on: string) => ({ ".github/workflows/deploy.yml": `on: ${on}\njobs: {}\n` });
const takes = "{workflow_dispatch: {inputs: {host: {required: true}, why: {default: x, required: true}}}}";

test.each([
  ["all is well", { "towline.yml": yml, ...file(takes), ...rule(deploy, "limit: 5") }, []],
  ["no such file", { "towline.yml": yml }, [/^towline.yml:3 there is no \.github\/workflows\/deploy\.yml/]],
  ["a file that nobody can start", { "towline.yml": yml, ...file("push") }, [/^towline.yml:3 .*workflow_dispatch/]],
  [
    "a name that is not allowed",
    { "towline.yml": yml, ...file("workflow_dispatch"), ...rule("{workflow: deploi.yml}", "limit: 5") },
    [/^rules\/r.md:3 towline.yml does not let rules start `deploi.yml`.*deploy\.yml/],
  ],
  [
    "inputs that do not fit, as often as it happens",
    { "towline.yml": yml, ...file(takes), ...rule("{workflow: deploy.yml, inputs: {hosts: web1}}") },
    [
      /^rules\/r.md:3 .*wants its input `host`/,
      /^rules\/r.md:3 .*as often as/,
      /^rules\/r.md:3 .*no input `hosts`.*`host`/,
    ],
  ],
  [
    "a forge without workflows",
    { "towline.yml": "id: n\nname: n\n", ...rule("{workflow: deploy.yml}", "limit: 5") },
    [/^rules\/r.md:3 only `forge: github` starts workflows/],
  ],
])("check: %s", (_, files, problems) => {
  const found = told(files as Record<string, string>);
  expect(found).toEqual((problems as RegExp[]).map((one) => expect.stringMatching(one)));
});

test("the whole way: a tick commits, and the forge is asked, on the default branch", async () => {
  const pack = testPack({ "README.md": "a pack\n" });
  ends.push(() => pack.remove());
  const hub: Hub = await serve(pack.origin);
  ends.push(() => hub.close());
  const forge_settings = `forge: {name: github, url: "${hub.url}", workflows: [ci.yml]}\n`;
  pack.push({
    ...basics([], forge_settings),
    "tasks/a.md": md("title: A", "echo"),
    "rules/r.md": md(
      "when: {kind: task.blocked}\nthen: [{call: {workflow: ci.yml, inputs: {task: '{{subject}}'}}}]\nlimit: 5",
    ),
  });
  const env = { ...process.env, GITHUB_TOKEN: canary, GITHUB_REPOSITORY: "alice/pack" };
  expect((await cli(pack.clone, ["tick", "--no-site", "--no-sync"], env)).code).toBe(0);
  expect(hub.sent).toEqual([{ ref: "main", inputs: { task: "a" } }]);
});
