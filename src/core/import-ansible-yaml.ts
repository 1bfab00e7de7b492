// An Ansible inventory in its YAML form: groups with `hosts`, `vars` and `children`, nested.
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
import { type Lined, readLined } from "./import-lined.ts";
import { type Imported, type Source, shown } from "./import-machine.ts";

export function importAnsibleYaml({ file, text }: Source): Imported {
  const inventory = emptyInventory(file);
  const read = readLined(text);
  if ("message" in read) problem(inventory, read.line, "error", read.message, "mend the YAML");
  else if (!read.map)
    problem(
      inventory,
      read.line,
      "error",
      "it is no map of groups",
      "write `all:` with `hosts:` and `children:` below",
    );
  else for (const [name, group] of read.map) readGroup(inventory, name, group, 0);
  reportPasswords(inventory);
  return { machines: machinesOf(inventory), problems: inventory.problems };
}

function readGroup(inventory: Inventory, name: string, { map, line }: Lined, depth: number): void {
  const group = groupOf(inventory, name);
  if (depth > 20) return void problem(inventory, line, "error", `${shown(name)} lies too deep`, "flatten the groups");
  for (const [part, value] of map ?? []) {
    if (part === "hosts") readHosts(inventory, name, value);
    else if (part === "vars") for (const [key, one] of varsOf(value)) group.vars.set(key, one);
    else if (part === "children") {
      for (const [child, inner] of value.map ??
        (value.list ?? []).map((one): [string, Lined] => [one.text ?? "", { line: one.line }])) {
        group.children.add(child);
        readGroup(inventory, child, inner, depth + 1);
      }
    } else
      problem(
        inventory,
        value.line,
        "warning",
        `${shown(part)} of the group ${shown(name)} is not known`,
        "write hosts, vars or children; it was left out",
      );
  }
}

function readHosts(inventory: Inventory, group: string, value: Lined): void {
  const hosts =
    value.map ??
    (value.list ?? [{ line: value.line, text: value.text ?? "" }]).map((one): [string, Lined] => [
      one.text ?? "",
      { line: one.line },
    ]);
  for (const [pattern, inner] of hosts) {
    if (pattern === "") continue;
    addHosts(inventory, group, pattern, { line: inner.line, vars: varsOf(inner) });
  }
}

function varsOf({ map }: Lined): Variables {
  return new Map(
    (map ?? []).map(([name, { line, text }]) => [
      name,
      { line, value: text ?? "", ...(text === undefined ? { locked: true } : {}) },
    ]),
  );
}
