// A table with a header row: commas, semicolons or tabs; quoted as RFC 4180 says.
import { type Imported, type ImportProblem, type RawMachine, type Source, shown } from "./import-machine.ts";

const columns: Record<string, keyof RawMachine> = {
  name: "name",
  host: "address",
  hostname: "address",
  address: "address",
  ip: "address",
  port: "port",
  user: "user",
  username: "user",
  login: "user",
  arch: "arch",
  labels: "labels",
  groups: "labels",
  tags: "labels",
  slots: "slots",
  network: "network",
  key: "key",
  ssh_key: "key",
  host_key: "host_key",
  jump: "jump",
  cordon: "cordon",
};

const columnOf = (word: string) => columns[word.trim().toLowerCase().replace(/[ -]/g, "_")];

/** Whether this could be the header of such a table. */
export const isCsvHeader = (line: string) => {
  const words = line.split(/[,;\t]/).map((word) => columnOf(word.replace(/^"|"$/g, "")));
  return words.length > 1 && words.includes("address");
};

export function importCsv({ file, text }: Source): Imported {
  const problems: ImportProblem[] = [];
  const say = (level: ImportProblem["level"], line: number, message: string, fix: string) =>
    void problems.push({ path: file, line, level, message, fix });
  const rows = rowsOf(text.replace(/^\uFEFF/, ""));
  const header = rows.shift();
  if (!header) return { machines: [], problems };
  const names = header.cells.map((word) => columnOf(word));
  for (const [i, word] of header.cells.entries())
    if (names[i] === undefined)
      say(
        "warning",
        header.line,
        `the column ${shown(word)} is not known`,
        `it was left out (known: ${Object.keys(columns).join(", ")})`,
      );
  if (!names.includes("address") && !names.includes("name")) {
    say(
      "error",
      header.line,
      "no column is a machine's name or address",
      "name the columns in the first row: name,address,port,user,labels",
    );
    return { machines: [], problems };
  }
  const machines = rows.flatMap(({ line, cells, open }) => {
    if (cells.every((cell) => cell.trim() === "")) return [];
    if (open)
      say("error", line, "a quote is opened and not closed", "close it; this row and what follows was left out");
    else if (cells.length > names.length)
      say(
        "error",
        line,
        `the row has ${cells.length} cells, the header ${names.length}`,
        "put quotes around cells with commas; it was left out",
      );
    const raw = open || cells.length > names.length ? null : machineOf(names, cells, line);
    if (raw === null && !open && cells.length <= names.length)
      say("error", line, "the row has neither a name nor an address", "it was left out");
    return raw ?? [];
  });
  return { machines, problems };
}

function machineOf(names: (keyof RawMachine | undefined)[], cells: string[], line: number): RawMachine | null {
  const raw: Partial<RawMachine> & { line: number } = { line };
  for (const [i, name] of names.entries()) {
    const cell = cells[i]?.trim();
    if (!name || !cell) continue;
    if (name === "labels") raw.labels = cell.split(/[\s;|,]+/).filter(Boolean);
    else Object.assign(raw, { [name]: cell });
  }
  const name = raw.name ?? raw.address;
  return name ? { ...raw, name } : null;
}

/** Rows with the line on which each begins. `open`: the file ended inside a quote. */
function rowsOf(text: string): { line: number; cells: string[]; open?: boolean }[] {
  const first = text.slice(0, text.search(/[\r\n]|$/));
  const mark = [",", ";", "\t"]
    .map((one) => ({ one, count: first.split(one).length }))
    .sort((a, b) => b.count - a.count)[0]?.one as string;
  const rows: { line: number; cells: string[]; open?: boolean }[] = [];
  let [row, cell, line, i] = [{ line: 1, cells: [] as string[] }, "", 1, 0];
  const endCell = () => {
    row.cells.push(cell);
    cell = "";
  };
  const endRow = () => {
    endCell();
    if (row.cells.length > 1 || row.cells[0] !== "") rows.push(row);
    row = { line, cells: [] };
  };
  while (i < text.length) {
    const character = text[i] as string;
    if (character === '"' && cell === "") {
      const quoted = /"((?:[^"]|"")*)"/y;
      quoted.lastIndex = i;
      const found = quoted.exec(text);
      if (!found) return [...rows, { ...row, open: true }];
      cell = (found[1] as string).replaceAll('""', '"');
      line += cell.split("\n").length - 1;
      i = quoted.lastIndex;
      continue;
    }
    if (character === mark) endCell();
    else if (character === "\n") {
      line++;
      endRow();
    } else if (character !== "\r") cell += character;
    i++;
  }
  if (cell !== "" || row.cells.length > 0) endRow();
  return rows;
}
