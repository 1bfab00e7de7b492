// Machines out of an ssh_config. Nothing of it is run: not what `Match exec` says, and no ProxyCommand.
import { type Imported, type ImportProblem, type RawMachine, type Source, shown } from "./import-machine.ts";

interface Section {
  line: number;
  patterns: string[];
  /** First value of each keyword, in lower case. */
  options: Map<string, { value: string; line: number }>;
}

export function importSshConfig({ file, text }: Source): Imported {
  const problems: ImportProblem[] = [];
  const sections = read(file, text, problems);
  const aliases = new Map<string, number>();
  for (const { patterns, line } of sections)
    for (const pattern of patterns) if (!/[*?!]/.test(pattern) && !aliases.has(pattern)) aliases.set(pattern, line);
  const machines = [...aliases].flatMap(([name, line]) => machineOf(file, { name, line, sections }, problems) ?? []);
  return { machines, problems };
}

function read(file: string, text: string, problems: ImportProblem[]): Section[] {
  const say = (line: number, message: string, fix: string) =>
    void problems.push({ path: file, line, level: "warning", message, fix });
  const sections: Section[] = [{ line: 1, patterns: ["*"], options: new Map() }];
  let skipping = false;
  for (const [index, whole] of text.split(/\r\n|\n|\r/).entries()) {
    const line = index + 1;
    const found = /^\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(whole);
    if (!found || /^\s*#/.test(whole)) {
      if (whole.trim() !== "" && !/^\s*#/.test(whole))
        say(line, "this line cannot be read", "write `Keyword value`; it was left out");
      continue;
    }
    const [, word = "", rest = ""] = found;
    const keyword = word.toLowerCase();
    const values = wordsOf(rest);
    if (keyword === "host") {
      skipping = false;
      sections.push({ line, patterns: values, options: new Map() });
    } else if (keyword === "match") {
      skipping = true;
      say(line, "a `Match` block is not read: what it says depends on who asks", "import its machines by hand");
    } else if (keyword === "include")
      say(line, `\`Include ${values.join(" ").slice(0, 60)}\` is not followed`, "import those files, too");
    else if (!skipping) {
      const { options } = sections.at(-1) as Section;
      if (!options.has(keyword))
        options.set(keyword, { value: keyword === "proxycommand" ? rest : (values[0] ?? ""), line });
    }
  }
  return sections;
}

function wordsOf(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|([^\s"#][^\s]*)|(#.*$)/g)].flatMap(([, quoted, plain, comment]) =>
    comment === undefined ? [quoted ?? plain ?? ""] : [],
  );
}

function machineOf(
  file: string,
  at: { name: string; line: number; sections: Section[] },
  problems: ImportProblem[],
): RawMachine | null {
  const { name, line, sections } = at;
  const say = (where: number, message: string, fix: string) =>
    void problems.push({ path: file, line: where, level: "warning", message: `${shown(name)}: ${message}`, fix });
  const fitting = sections.filter(({ patterns }) => fits(patterns, name));
  const option = (keyword: string) =>
    fitting.map(({ options }) => options.get(keyword)).find((one) => one !== undefined);
  const user = option("user");
  if (user?.value === "git") {
    say(line, "its user is `git`: that is a forge, no machine", "it was left out");
    return null;
  }
  const raw: RawMachine = {
    name,
    line,
    address: (option("hostname")?.value ?? name).replaceAll("%h", name).replaceAll("%%", "%"),
  };
  if (user) raw.user = user.value;
  const port = option("port");
  if (port) raw.port = port.value;
  const key = option("identityfile");
  if (key && key.value !== "none") raw.key = key.value;
  const command = option("proxycommand");
  const jump = option("proxyjump");
  const through = command && /^ssh\s(?:.*\s)?-W\s+\[?%h\]?:%p\s+([\w.@:-]+)$/.exec(command.value)?.[1];
  if (jump && jump.value !== "none") {
    const hops = jump.value.split(",");
    raw.jump = hops.at(-1) as string;
    if (hops.length > 1)
      say(
        jump.line,
        `it is reached over ${hops.length} machines`,
        `${raw.jump} must name ${hops.at(-2)} as its own \`jump\``,
      );
  } else if (through) raw.jump = through;
  else if (command && command.value.toLowerCase() !== "none") {
    raw.cordon = "it is reached by a ProxyCommand: see `transport: openssh`";
    say(
      command.line,
      "it is reached by a ProxyCommand, which was not taken over",
      "give its record a `jump:`, or `transport: openssh`; until then it is cordoned",
    );
  }
  return raw;
}

/** As ssh does: one pattern fits, and none that is denied. */
function fits(patterns: string[], name: string): boolean {
  const one = (pattern: string) => glob(pattern.toLowerCase(), name.toLowerCase());
  if (patterns.some((pattern) => pattern.startsWith("!") && one(pattern.slice(1)))) return false;
  return patterns.some((pattern) => !pattern.startsWith("!") && one(pattern));
}

/** `*` and `?`, without going back and forth: the time is bounded by the lengths. */
function glob(pattern: string, name: string): boolean {
  let [p, n, star, from] = [0, 0, -1, 0];
  while (n < name.length) {
    if (p < pattern.length && pattern[p] !== "*" && (pattern[p] === "?" || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (pattern[p] === "*") {
      star = p++;
      from = n;
    } else if (star >= 0) {
      p = star + 1;
      n = ++from;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
