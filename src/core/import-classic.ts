// The classic `picoclaw-fleet.json`: `hosts[] {name, host, user, arch, ssh_key}`, `defaults {provider, api_key_env}`.
import { field, type Lined, readLined } from "./import-lined.ts";
import { type Imported, type ImportProblem, type RawMachine, type Source, shown } from "./import-machine.ts";

/** Names of its fields, and those that `towline fleet export` adds. */
const names: Record<string, keyof RawMachine> = {
  name: "name",
  host: "address",
  address: "address",
  port: "port",
  user: "user",
  arch: "arch",
  ssh_key: "key",
  key: "key",
  slots: "slots",
  network: "network",
  host_key: "host_key",
  jump: "jump",
  cordon: "cordon",
};

export function importClassic({ file, text }: Source): Imported {
  const problems: ImportProblem[] = [];
  const error = (line: number, message: string, fix: string) =>
    void problems.push({ path: file, line, level: "error", message, fix });
  const read = readLined(text);
  if ("message" in read) error(read.line, read.message, "write it as JSON");
  const hosts = "message" in read ? undefined : field(read, "hosts");
  if (!("message" in read) && !hosts?.list)
    error(read.line, "it has no list `hosts`", 'write {"hosts": [{"name": …, "host": …, "user": …}]}');
  const machines = (hosts?.list ?? []).flatMap((one, i) => {
    const raw = machineOf(file, one, problems);
    if (raw === null)
      error(one.line, `host ${i + 1} has neither \`name\` nor \`host\``, "give it both; it was left out");
    return raw ?? [];
  });
  const defaults = "message" in read ? undefined : field(read, "defaults");
  if (defaults?.map) problems.push(aboutAgents(file, defaults));
  return { machines, problems };
}

function machineOf(file: string, one: Lined, problems: ImportProblem[]): RawMachine | null {
  const raw: Partial<RawMachine> & { line: number } = { line: one.line };
  for (const [name, value] of one.map ?? []) {
    if (name === "labels")
      raw.labels = value.list ? value.list.flatMap((label) => label.text ?? []) : [value.text ?? ""];
    else if (!Object.hasOwn(names, name))
      problems.push({
        path: file,
        line: value.line,
        level: "warning",
        message: `${shown(name)} is not known`,
        fix: "it was left out",
      });
    else if (value.text) Object.assign(raw, { [names[name] as string]: value.text });
  }
  const name = raw.name ?? raw.address;
  return name ? { ...raw, name } : null;
}

/** What machines run and with which key is said by agents. */
function aboutAgents(path: string, defaults: Lined): ImportProblem {
  const provider = field(defaults, "provider")?.text;
  const key = field(defaults, "api_key_env")?.text;
  const fields = [
    "runtime: picoclaw",
    ...(provider && /^[\w.-]{1,60}$/.test(provider) ? [`provider: ${provider}`] : []),
    ...(key && /^[A-Z_][A-Z0-9_]{0,63}$/.test(key) ? [`env: [${key}]`] : []),
  ];
  const fix = `write an agents/NAME.md with \`${fields.join("`, `")}\``;
  return { path, line: defaults.line, level: "warning", message: "`defaults` is about agents, not machines", fix };
}
