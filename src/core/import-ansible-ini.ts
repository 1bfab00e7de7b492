// An Ansible inventory in its INI form: `[group]`, `[group:children]`, `[group:vars]`, hosts with `name=value` behind.
import {
  addHosts,
  emptyInventory,
  groupOf,
  type Inventory,
  machinesOf,
  problem,
  reportPasswords,
  type Variables,
} from "./import-inventory.ts";
import { type Imported, type Source, shown } from "./import-machine.ts";

export function importAnsibleIni({ file, text }: Source): Imported {
  const inventory = emptyInventory(file);
  let section = { name: "ungrouped", kind: "hosts" };
  for (const [index, whole] of text.split(/\r\n|\n|\r/).entries()) {
    const line = index + 1;
    const words = wordsOf(whole.trim());
    if (words === null) {
      problem(inventory, line, "error", "a quote is opened and not closed", "close it; the line was left out");
      continue;
    }
    if (words.length === 0) continue;
    const head = /^\s*\[([^\]]+)\]\s*([#;].*)?$/.exec(whole);
    if (head) section = sectionOf(inventory, line, head[1] as string);
    else if (section.kind === "hosts") hostLine(inventory, section.name, line, words);
    else if (section.kind === "children") groupOf(inventory, section.name).children.add(words[0] as string);
    else if (section.kind === "vars") variable(inventory, section.name, line, whole.trim());
  }
  reportPasswords(inventory);
  return { machines: machinesOf(inventory), problems: inventory.problems };
}

function sectionOf(inventory: Inventory, line: number, head: string): { name: string; kind: string } {
  const [name = "", kind = "hosts", ...more] = head.split(":");
  if (name.trim() === "" || more.length > 0 || !["hosts", "children", "vars"].includes(kind)) {
    problem(
      inventory,
      line,
      "error",
      `${shown(`[${head}]`)} is no section`,
      "write [group], [group:children] or [group:vars]; what is below it was left out",
    );
    return { name: "", kind: "unknown" };
  }
  groupOf(inventory, name.trim());
  return { name: name.trim(), kind };
}

function hostLine(inventory: Inventory, group: string, line: number, [pattern = "", ...rest]: string[]): void {
  const vars: Variables = new Map();
  for (const word of rest) {
    const cut = word.indexOf("=");
    if (cut > 0) vars.set(word.slice(0, cut), { value: word.slice(cut + 1), line });
    else problem(inventory, line, "warning", `${shown(word)} is no name=value`, "it was left out");
  }
  // `host:2222`, but neither an IPv6 address nor the colon of a range.
  const [, bare, port] = /^([^:]*(?:\[[^\]]*\][^:]*)*):(\d+)$/.exec(pattern) ?? [];
  if (port !== undefined && !vars.has("ansible_port")) vars.set("ansible_port", { value: port, line });
  addHosts(inventory, group, bare ?? pattern, { line, vars });
}

function variable(inventory: Inventory, group: string, line: number, whole: string): void {
  const cut = whole.indexOf("=");
  if (cut <= 0) return void problem(inventory, line, "warning", `${shown(whole)} is no name=value`, "it was left out");
  const [value = ""] = wordsOf(whole.slice(cut + 1).trim(), true) ?? [];
  groupOf(inventory, group).vars.set(whole.slice(0, cut).trim(), { value, line });
}

/** Words as a shell would see them, up to a comment; `whole`: the rest of the line is one. Null: a quote is left open. */
function wordsOf(line: string, whole = false): string[] | null {
  if (/^[#;]/.test(line)) return [];
  const words: string[] = [];
  let word: string | null = null;
  for (let i = 0; i < line.length; i++) {
    const character = line[i] as string;
    if (character === '"' || character === "'") {
      const end = line.indexOf(character, i + 1);
      if (end < 0) return null;
      word = (word ?? "") + line.slice(i + 1, end);
      i = end;
    } else if (/\s/.test(character) && !whole) {
      if (word !== null) words.push(word);
      word = null;
    } else if (character === "#" && (word === null || /\s$/.test(word))) break;
    else word = (word ?? "") + character;
  }
  if (word !== null) words.push(whole ? word.trim() : word);
  return words;
}
