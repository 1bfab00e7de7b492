// Limits that would not hold, and work that they never let start: named with place and way out.
import { describe, expect, test } from "vitest";
import { checked, places } from "./pack.ts";

const agent = (more: string, runtime = "claude") =>
  `---\nruntime: ${runtime}\nhosts: label:web\n${more}---\nCareful.\n`;
const task = (more: string) => `---\ntitle: T\n${more}---\nLook.\n`;
const yml = (more: string) => `id: pack-1\ndefaults:\n  agent: scout\n${more}`;

describe("limits", () => {
  test.each<[string, Record<string, string>, string[]]>([
    [
      "sound ones",
      {
        "agents/scout.md": agent("account: max\nbudget: {usd: 0.5, day: {usd: 5, runs: 20}, month: {minutes: 600}}\n"),
        "towline.yml": yml(
          "budget: {day: {usd: 9}}\naccounts: {max: {budget: {day: {usd: 6}}}}\nrequesters: {Ann: {budget: {month: {usd: 50}}}}\n",
        ),
      },
      [],
    ],
    ["a unit that is none", { "tasks/one.md": task("budget: {dollars: 1}\n") }, ["tasks/one.md:3 budget-unit"]],
    ["one below a day", { "agents/scout.md": agent("budget: {day: {usdd: 1}}\n") }, ["agents/scout.md:4 budget-unit"]],
    ["a week", { "towline.yml": yml("budget: {week: {usd: 1}}\n") }, ["towline.yml:4 budget-unit"]],
    [
      "one run of a host, of the pack, of an account",
      {
        "hosts/web1.md": "---\naddress: web1.example.org\nuser: bot\nlabels: [web]\nbudget: {runs: 3}\n---\n",
        "towline.yml": yml("budget: {usd: 1}\naccounts: {max: {budget: {usd: 2}}}\n"),
        "agents/scout.md": agent("account: max\n"),
      },
      ["hosts/web1.md:5 budget-time", "towline.yml:4 budget-time", "towline.yml:5 budget-time"],
    ],
    [
      "a day as the default of one run",
      { "towline.yml": "id: pack-1\ndefaults:\n  agent: scout\n  budget: {day: {usd: 1}}\n" },
      ["towline.yml:4 budget-time"],
    ],
    [
      "less a day than one run may take",
      { "agents/scout.md": agent("budget: {day: {usd: 0.2}}\n"), "tasks/one.md": task("budget: {usd: 0.5}\n") },
      ["agents/scout.md:4 budget-never"],
    ],
    [
      "less minutes than its time limit",
      { "towline.yml": yml("budget: {day: {minutes: 5}}\n"), "tasks/one.md": task("timeout: 1h\n") },
      ["towline.yml:4 budget-never"],
    ],
    [
      "a draft may ask for what it likes",
      {
        "agents/scout.md": agent("budget: {day: {usd: 0.2}, usd: 0.1}\n"),
        "tasks/one.md": task("status: draft\nbudget: {usd: 0.5}\n"),
      },
      [],
    ],
    [
      "US dollars of a runtime that tells none",
      { "agents/scout.md": agent("budget: {day: {usd: 5}}\n", "picoclaw") },
      ["agents/scout.md:4 budget-blind"],
    ],
    ["… with a price", { "agents/scout.md": agent("price: {run: 0.02}\nbudget: {day: {usd: 5}}\n", "picoclaw") }, []],
    ["… paid by a subscription", { "agents/scout.md": agent("auth: host\nbudget: {day: {usd: 5}}\n") }, []],
    [
      "nothing said of one run",
      { "agents/scout.md": agent("budget: {day: {usd: 5}}\n") },
      ["agents/scout.md:4 budget-open?"],
    ],
    [
      "accounts: one that nobody uses, one that is meant otherwise",
      { "towline.yml": yml("accounts: {maxi: {}}\n"), "agents/scout.md": agent("account: maxj\n") },
      ["agents/scout.md:4 unknown-account?", "towline.yml:4 account-idle?"],
    ],
    [
      "in a pane, what acts in headless runs only",
      {
        "agents/scout.md": agent("limits: {turns: 9}\nbudget: {usd: 0.5}\n", "tmux"),
        "tasks/one.md": task("budget: {usd: 0.2}\ntimeout: 10m\n"),
      },
      ["agents/scout.md:4 pane-limit?", "agents/scout.md:5 pane-limit?", "tasks/one.md:3 pane-limit?"],
    ],
    [
      "the same without a pane, and a pane with limits that act",
      {
        "agents/scout.md": agent("limits: {turns: 9}\nbudget: {usd: 0.5}\n"),
        "agents/pane.md": agent("limits: {open_prs: 2}\nbudget: {minutes: 30, runs: 5}\n", "tmux"),
        "agents/idle.md": agent("limits: {turns: 9}\noff: true\n", "tmux"),
      },
      [],
    ],
    ["less than nothing", { "tasks/one.md": task("budget: {usd: -1}\n") }, ["tasks/one.md:3 invalid"]],
  ])("%s", (_, files, wanted) => {
    const found = checked(files);
    expect(places(found).map((one) => one.replace(/:\d+ /, " "))).toEqual(wanted);
    expect(found.problems.every(({ message, fix }) => message !== "" && fix !== "" && message !== fix)).toBe(true);
  });
});
