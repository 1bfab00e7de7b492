import type { Command } from "commander";
import { glyphs } from "../core/jobs.ts";
import { nearest } from "../core/nearest.ts";
import { usage } from "../errors.ts";
import { type Cordoned, cordonHost, pushLine } from "../shell/cordon.ts";
import { openLocal } from "../shell/pack.ts";
import { editedLine, whereOf } from "../shell/person-edit.ts";
import { readWorkTree } from "../shell/read.ts";
import { type Common, repoDir, type Wire } from "../wire.ts";

interface CordonFlags extends Common {
  push?: boolean;
  pr?: boolean;
}

/** Adds `towline fleet cordon HOST… [REASON]` and `uncordon HOST…`. */
export function fleetCordon(group: Command, wire: Wire): void {
  group
    .command("cordon <host...>")
    .usage("[options] <host...> [reason]")
    .description("give machines no new work: what runs there goes on. Words after the hosts are the reason")
    .option("--push", "change origin at once, that file and nothing else")
    .option("--pr", "propose it as a branch to merge")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print what was changed as JSON")
    .action(async (words: string[], flags: CordonFlags) => {
      const { top, hosts } = await known(wire, flags);
      const { names, reason } = splitWords(words, hosts);
      await change(wire, flags, { top, names, reason });
    });
  group
    .command("uncordon <host...>")
    .description("give machines work again")
    .option("--push", "change origin at once, that file and nothing else")
    .option("--pr", "propose it as a branch to merge")
    .option("--repo <dir>", "the pack repository", ".")
    .option("--json", "print what was changed as JSON")
    .action(async (words: string[], flags: CordonFlags) => {
      const { top, hosts } = await known(wire, flags);
      for (const word of words) mustBe(word, hosts);
      await change(wire, flags, { top, names: words, reason: null });
    });
}

/** The folder of the pack, and the hosts in it. */
export async function known(wire: Wire, flags: Common): Promise<{ top: string; hosts: string[] }> {
  const { repo, tips, top } = await openLocal(repoDir(wire, flags), wire);
  const state = await readWorkTree(repo, top, tips);
  return { top, hosts: [...state.hosts.keys()].sort() };
}

export function mustBe(word: string, hosts: string[]): void {
  if (hosts.includes(word)) return;
  const near = nearest(word, hosts);
  throw usage(
    `there is no hosts/${word}.md`,
    near ? `did you mean ${near}?` : `hosts: ${hosts.join(", ") || "none yet"}`,
  );
}

/** Hosts come first; what follows them is the reason, unless it may be a host that was mistyped. */
export function splitWords(words: string[], hosts: string[]): { names: string[]; reason: string } {
  const at = words.findIndex((word) => !hosts.includes(word));
  const names = at < 0 ? words : words.slice(0, at);
  const rest = at < 0 ? [] : words.slice(at);
  const first = rest[0];
  if (names.length === 0) mustBe(words[0] ?? "", hosts);
  const near = rest.length === 1 && first !== undefined && !/\s/.test(first) ? nearest(first, hosts) : null;
  if (near)
    throw usage(
      `there is no hosts/${first}.md`,
      `did you mean ${near}? A reason of one word like that needs another word`,
    );
  const late = rest.slice(1).find((word) => hosts.includes(word));
  if (late) throw usage(`${late} stands after \`${first}\`, which is no host`, "name the hosts first, then the reason");
  return { names: [...new Set(names)], reason: rest.join(" ") };
}

interface Change {
  top: string;
  names: string[];
  reason: string | null;
}

async function change(wire: Wire, flags: CordonFlags, { top, names, reason }: Change): Promise<void> {
  const at = { dir: top, env: wire.env, clock: wire.clock, secrets: wire.secrets, where: whereOf(flags) };
  const made: Cordoned[] = [];
  for (const name of names) made.push(await cordonHost(at, name, reason));
  if (flags.json) {
    wire.out(`${JSON.stringify(made, null, 2)}\n`);
    return;
  }
  for (const one of made) wire.out(`${cordonLine(one)}\n`);
  const unseen = made.filter((one) => one.changed && one.commit === null && one.branch === undefined);
  if (unseen.length > 0)
    wire.out(
      `  ticks see it once it is pushed: ${pushLine(
        unseen.map((one) => one.path),
        `${names.join(", ")}: ${reason === null ? "uncordon" : "cordon"}`,
      )}\n`,
    );
}

export function cordonLine(made: Cordoned): string {
  const { host, cordon, changed, commit, here, branch } = made;
  const why = cordon === null || cordon === "no reason given" ? "" : ` (${cordon})`;
  const said =
    cordon === null
      ? `✓ ${host} ${changed ? "takes work again" : "was in service already"}`
      : `${glyphs.paused ?? "‖"} ${host} ${changed ? "is cordoned" : "was cordoned already"}${why}`;
  if (branch !== undefined) return `${said} once that is merged\n${editedLine(made, "")}`;
  if (commit === null) return said;
  return `${said}, pushed as ${commit.slice(0, 10)}${here ? "" : "; git pull brings it into this folder"}`;
}
