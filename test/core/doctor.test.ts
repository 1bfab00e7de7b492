// What the doctor finds: each finding by a pack that has it, and none in one that is well.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cadenceFor } from "../../src/core/cadence.ts";
import { type Examined, examine, type ForgeFacts } from "../../src/core/doctor.ts";
import type { AppFacts } from "../../src/core/doctor-app.ts";
import type { Entry } from "../../src/core/entry.ts";
import { parseEntry } from "../../src/core/entry.ts";
import { costFindings, forecastLine, forecastOf } from "../../src/core/forecast.ts";
import type { Kind } from "../../src/core/schema.ts";
import { readSettings } from "../../src/core/state.ts";

const ours = readFileSync(join(import.meta.dirname, "..", "..", ".github", "workflows", "tick.yml"), "utf8");
const workflow = ours.replace("    runs-on: ubuntu-24.04\n", "    environment: towline\n    runs-on: ubuntu-24.04\n");
const rights = ["pull-requests: write", "issues: write", "checks: read", "statuses: write"];
const granted = workflow.replace(
  "contents: write",
  `contents: write\n${rights.map((right) => `      ${right}\n`).join("")}`,
);
const now = new Date("2026-11-20T10:00:00Z");
const record = <K extends Kind>(path: string, kind: K, text: string) => parseEntry(path, kind, text).entry as Entry<K>;
const host = {
  path: "hosts/web1.md",
  text: "---\naddress: web1.example.org\nuser: bot\nkey: env:TOWLINE_SSH_KEY\n---\n",
};
const settingsOf = (text: string) => {
  const { settings } = readSettings(text);
  if (!settings) throw new Error(text);
  return settings;
};
const forge: ForgeFacts = {
  repository: "ada/pack",
  page: "https://github.com/ada/pack",
  private: true,
  default_branch: "main",
  workflow: "active",
  may_open_pulls: true,
  environments: [{ name: "towline", limited: true }],
  secrets: ["TOWLINE_SSH_KEY"],
  stop: false,
  untold: [],
};
const task = (fields: string) => record("tasks/one.md", "task", `---\ntitle: One\n${fields}\n---\nx\n`);

function pack(more: Partial<Examined> = {}): Examined {
  const hosts = [record(host.path, "host", host.text)];
  return { files: [host], workflow, settings: settingsOf("id: p\n"), hosts, tasks: [], forge, now, ...more };
}
const codes = (more: Partial<Examined>) => examine(pack(more)).map(({ level, code }) => `${level} ${code}`);
const told = (more: Partial<ForgeFacts>) => ({ forge: { ...forge, ...more } });

describe("examine", () => {
  test("a pack that is well has nothing to mend", () => expect(examine(pack())).toEqual([]));
  test("without a forge only what can be seen here is judged", () =>
    expect(examine(pack({ forge: null }))).toEqual([]));

  test.each<[string, Partial<Examined>]>([
    [
      "error unmapped-secret",
      { files: [host, { path: "agents/a.md", text: "---\nruntime: shell\nenv: [API_KEY]\n---\n" }] },
    ],
    ["error unset-secret", told({ secrets: [] })],
    ["error workflow", { workflow: "jobs: [" }],
    ["warning no-workflow", { workflow: null }],
    ["warning no-schedule", { workflow: workflow.replace(/ {2}schedule:[\s\S]*?\n {2}workflow/, "  workflow") }],
    ["warning cadence", { workflow: workflow.replace("7,37 * * * *", "7 * * * *") }],
    ["warning cadence", { settings: settingsOf("id: p\ntick: {every: 10m}\n") }],
    ["error permission", { workflow: workflow.replace("contents: write", "contents: read") }],
    [
      "error permission",
      { settings: settingsOf("id: p\nforge: github\n"), workflow: granted.replace("      issues: write\n", "") },
    ],
    ["error disabled-schedule", told({ workflow: "disabled_inactivity" })],
    ["warning stopped", told({ stop: true })],
    ["warning public-pack", told({ private: false })],
    ["warning environment", { workflow: ours }],
    ["error environment", told({ environments: [{ name: "towline", limited: false }] })],
    ["error environment", told({ environments: [] })],
    ["error token", { tasks: [task("repo: ada/other")] }],
    ["warning pull-requests", { tasks: [task("repo: .")], ...told({ may_open_pulls: false }) }],
  ])("%s", (code, more) => {
    expect(codes(more)).toContain(code);
    for (const { message, fix, path } of examine(pack(more))) expect([message, fix, path].every(Boolean)).toBe(true);
  });

  test("every right that the token lacks is named, and each finding leads to where it is mended", () => {
    const settings = settingsOf("id: p\nforge: github\n");
    const lacks = (more: Partial<Examined>) =>
      examine(pack({ settings, ...more }))
        .filter(({ code }) => code === "permission")
        .map(({ fix }) => /`([^`]+)`/.exec(fix)?.[1]);
    expect(lacks({ workflow: granted })).toEqual([]);
    const all = ["pull-requests: write", "issues: write", "checks: read", "statuses: write"];
    expect(lacks({})).toEqual(all);
    expect(lacks(told({ private: false }))).toEqual(all.filter((one) => one !== "checks: read"));
    // The list of another job gives nothing, and a job's own takes the place of the workflow's.
    expect(lacks({ workflow: workflow.replace("permissions: {}", "permissions: write-all") })).toEqual(all);
    expect(lacks({ settings: settingsOf("id: p\npollers: {github: {}}\n") })).toEqual([
      "pull-requests: read",
      "issues: read",
      "checks: read",
    ]);
    expect(lacks({ settings: settingsOf("id: p\nforge: {name: github, app: {id: 1, key: K}}\n") })).toEqual([]);
    const starts = settingsOf("id: p\nforge: {name: github, workflows: [deploy.yml]}\n");
    expect(lacks({ settings: starts, workflow: granted })).toEqual(["actions: write"]);
    for (const { link } of examine(pack({ settings, hosts: [], ...told({ may_open_pulls: false, stop: true }) })))
      expect(link).toMatch(/^https:\/\/github\.com\/ada\/pack\/(edit\/main\/\.github|settings\/)/);
  });

  test("what an App was not granted is named, with the page where that is mended", () => {
    const all = {
      contents: "write",
      pull_requests: "write",
      issues: "write",
      statuses: "write",
      checks: "read",
      metadata: "read",
    };
    const links = { settings: "https://x/settings", install: "https://x/install", installation: "https://x/34" };
    const app = { name: "towline-pack", granted: all, asks: all, links };
    const text = "id: p\nforge:\n  name: github\n  app: {id: 1, key: K}\n";
    const found = (more: Partial<AppFacts>, facts: Partial<ForgeFacts> = {}, settings = text) =>
      examine(
        pack({
          files: [host, { path: "towline.yml", text }],
          settings: settingsOf(settings),
          ...told({ ...facts, app: { ...app, ...more } }),
        }),
      ).flatMap(({ message, path, line, link }) =>
        message.includes("the App") ? `${path}:${line} ${message} ${link}` : [],
      );
    expect(found({})).toEqual([]);
    expect(found({ granted: { ...all, checks: "write" } })).toEqual([]);
    const { checks: _, ...few } = { ...all, pull_requests: "read" };
    const at = "towline.yml:4 the App towline-pack";
    const lacks = (right: string, link: string) =>
      `${at} lacks \`${right}\` at ada/pack, which the ticks need https://x/${link}`;
    expect(found({ granted: few })).toEqual([lacks("pull requests: write", "34"), lacks("checks: read", "34")]);
    expect(found({ granted: few, asks: few }, { private: false }).slice(0, 1)).toEqual([
      lacks("pull requests: write", "settings"),
    ]);
    expect(found({ granted: few, asks: few }, { private: false }).join()).not.toContain("checks");
    const starting = `${text}  workflows: [deploy.yml]\n`;
    expect(found({}, {}, starting)).toEqual([lacks("actions: write", "settings")]);
    expect(found({ granted: { ...all, actions: "write" } }, {}, starting)).toEqual([]);
    expect(found({ granted: null })).toEqual([`${at} is not installed at ada/pack https://x/install`]);
    expect(found({ suspended: true })).toEqual([`${at} is suspended at ada/pack https://x/34`]);
  });

  test("what is no fault is not taken for one", () => {
    expect(codes({ tasks: [task("repo: .")] })).toEqual([]);
    expect(codes({ tasks: [task("repo: https://github.com/Ada/pack.git")] })).toEqual([]);
    const app = workflow.replace("GITHUB_TOKEN: ${{ github.token }}", "GITHUB_TOKEN: ${{ secrets.TOWLINE_SSH_KEY }}");
    expect(codes({ tasks: [task("repo: ada/other")], workflow: app })).toEqual([]);
    expect(
      codes({
        hosts: [record(host.path, "host", host.text.replace("user", "off: true\nuser"))],
        ...told({ private: false }),
      }),
    ).toEqual([]);
    expect(
      codes(told({ secrets: undefined, environments: undefined, private: undefined, workflow: undefined })),
    ).toEqual([]);
  });
});

describe("forecast", () => {
  const lately = { days: 30, bytes: 3_400_000, about: false, busy: 300, usd: 3.2 };
  const given = { workflow, settings: settingsOf("id: p\nbudget: {month: {usd: 10}}\n"), lately, included: 2000, now };

  test("minutes, money and growth in a line", () => {
    expect(forecastLine(forecastOf(given))).toBe("1,440 of 2,000 min, $3.20 of $10, 41 MB a year");
    const site = { ...given, settings: settingsOf("id: p\nsite: {}\n"), included: null };
    expect(forecastLine(forecastOf(site))).toBe("1,740 free min, $3.20, 41 MB a year");
  });

  test("a job over a minute is billed twice; less than a month is scaled; what is guessed says so", () => {
    const slow = { ...given, settings: settingsOf("id: p\ntick: {job: 90s}\nbudget: {day: {usd: 1}}\n") };
    expect(forecastOf(slow).minutes?.month).toBe(2880);
    expect(forecastOf({ ...slow, lately: { ...lately, days: 3 } }).usd).toEqual({ month: 32, of: 30 });
    const blind = { ...given, workflow: null, lately: { ...lately, about: true } };
    expect(forecastLine(forecastOf(blind))).toBe("$3.20 of $10, about 41 MB a year");
  });

  test("more than is free is said, with a cadence that fits", () => {
    const few = forecastOf({ ...given, included: 1000 });
    expect(costFindings(few, given.settings).map(({ code, fix }) => `${code}: ${fix}`)).toEqual([
      'minutes: write `cron: "7 * * * *"` here and `tick: {every: 60m}` in towline.yml, or pay for more',
    ]);
    expect(costFindings(forecastOf(given), given.settings)).toEqual([]);
  });

  test.each([
    [null, 1, 15, "7,22,37,52 * * * *"],
    [3000, 1, 30, "7,37 * * * *"],
    [2000, 1, 30, "7,37 * * * *"],
    [2000, 2, 60, "7 * * * *"],
    [500, 1, 120, "7 */2 * * *"],
    [10, 1, 1440, "7 5 * * *"],
  ])("%s free minutes, %i for a tick: every %i minutes", (included, billed, every, cron) => {
    expect(cadenceFor(included, billed)).toEqual({ every, cron });
    const own = workflow.replace("7,37 * * * *", cron);
    const settings = settingsOf(`id: p\ntick: {every: ${every}m}\n`);
    expect(codes({ workflow: own, settings })).not.toContain("warning cadence");
  });
});
