// A unified diff as rows. Made to bear one that was cut or masked: what it does not understand is shown as it is.
export interface PatchLine {
  kind: "add" | "del" | "same" | "hunk" | "note";
  old?: number;
  new?: number;
  text: string;
}

export interface PatchFile {
  path: string;
  added: number;
  removed: number;
  lines: PatchLine[];
}

/** Files in the order of the diff. */
export function readPatch(text: string): PatchFile[] {
  const files: PatchFile[] = [];
  let at = { old: 0, new: 0 };
  let inside = false;
  for (const line of text.split("\n")) {
    if (line.startsWith("diff --git ")) {
      files.push({ path: nameIn(line), added: 0, removed: 0, lines: [] });
      inside = false;
      continue;
    }
    const file = files.at(-1);
    if (!file) continue;
    const hunk = /^@@ -(\d{1,9})(?:,\d+)? \+(\d{1,9})(?:,\d+)? @@(.*)$/.exec(line);
    if (hunk) {
      at = { old: Number(hunk[1]), new: Number(hunk[2]) };
      inside = true;
      file.lines.push({ kind: "hunk", text: (hunk[3] ?? "").trim() });
    } else if (inside) at = inHunk(file, line, at);
    else outsideHunk(file, line);
  }
  return files;
}

function inHunk(file: PatchFile, line: string, at: { old: number; new: number }) {
  const text = line.slice(1);
  if (line[0] === "+") {
    file.added++;
    file.lines.push({ kind: "add", new: at.new, text });
    return { old: at.old, new: at.new + 1 };
  }
  if (line[0] === "-") {
    file.removed++;
    file.lines.push({ kind: "del", old: at.old, text });
    return { old: at.old + 1, new: at.new };
  }
  if (line[0] === " ") {
    file.lines.push({ kind: "same", ...at, text });
    return { old: at.old + 1, new: at.new + 1 };
  }
  if (line !== "") file.lines.push({ kind: "note", text: line.replace(/^\\ /, "") });
  return at;
}

const notes = /^(new file|deleted file|old mode|new mode|rename |Binary files|GIT binary)/;

function outsideHunk(file: PatchFile, line: string): void {
  const named = /^\+\+\+ b\/(.+)$/.exec(line)?.[1];
  if (named !== undefined) file.path = named;
  else if (notes.test(line)) file.lines.push({ kind: "note", text: line });
}

const nameIn = (line: string) => / b\/(.+)$/.exec(line)?.[1] ?? line.slice("diff --git ".length);
