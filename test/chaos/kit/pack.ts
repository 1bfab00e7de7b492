// Packs whose hosts are the lab's machines, and tasks that leave marks outside of towline.
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { md, type TestPack, testPack } from "../../fakes/pack.ts";
import type { Lab, LabMachine } from "./lab.ts";

export const keyEnv = (lab: Lab) => ({ TOWLINE_TEST_KEY: lab.keyText });

export interface LabPack {
  id: string;
  machines: LabMachine[];
  /** Lines of towline.yml besides the usual. */
  settings?: string;
  slots?: number;
}

const hostRecord = ({ address, hostKey }: LabMachine, slots: number) =>
  md(`address: ${address}\nuser: root\nkey: env:TOWLINE_TEST_KEY\nhost_key: ${hostKey}\nslots: ${slots}`);

export function labPack({ id, machines, settings = "", slots = 8 }: LabPack, files: Record<string, string>): TestPack {
  return testPack({
    "towline.yml": `id: ${id}\nname: lab\nzone: UTC\ndefaults: {agent: deckhand, timeout: 60s}\n${settings}`,
    "agents/deckhand.md": md("runtime: shell"),
    ...Object.fromEntries(machines.map((one) => [`hosts/${one.name}.md`, hostRecord(one, slots)])),
    ...files,
  });
}

/** A job that says on its machine that it ran, and then gives an answer of its own. */
export const marked = (id: string, more = "", fields = "") =>
  md(`title: ${id}\n${fields}`, `echo ${id} >>"$HOME/marks"; ${more}echo said-${id}`);

const lines = (file: string) => (existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : []);

/** Task → how often an agent ran for it, by the marks on all machines. */
export function marksOf(machines: LabMachine[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const mark of machines.flatMap(({ home }) => lines(join(home, "marks"))))
    counts.set(mark, (counts.get(mark) ?? 0) + 1);
  return counts;
}

/** `job epoch` of every start that the machines wrote into their journals, for jobs whose ids begin so. */
export const journalOf = (machines: LabMachine[], prefix: string) =>
  machines
    .flatMap(({ home }) => globSync(join(home, ".towline", "*", "journal")).flatMap(lines))
    .map((line) => line.split(" ").slice(0, 2).join(" "))
    .filter((line) => line.startsWith(prefix));
