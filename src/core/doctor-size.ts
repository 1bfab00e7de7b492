// How far the ledger is from what forges and git can take: said at half of it, while there is time.
import type { Finding } from "./doctor.ts";

export interface LedgerSize {
  /** The folder with the most files and folders directly in it. */
  folder: { path: string; entries: number };
  /** The largest file, in bytes. */
  file: { path: string; bytes: number };
  /** Of all that this clone holds, in bytes. */
  repository: number;
}

/** GitHub's own: a folder of over 3,000 is slow to show, a file of over 100 MiB is refused, 5 GiB draw a letter. */
const most = { entries: 3000, file: 100 << 20, repository: 5 * 2 ** 30 };

const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

export function sizeFindings({ folder, file, repository }: LedgerSize): Finding[] {
  const rolled = "`towline archive` rolls old records up; `archive: {after: 90d}` in towline.yml lets ticks do it";
  const found = (code: string, message: string, fix: string): Finding => ({ level: "warning", code, message, fix });
  return [
    ...(folder.entries > most.entries / 2
      ? [
          found(
            "folder-size",
            `${folder.path}/ holds ${folder.entries} entries: ${most.entries} is where it gets slow`,
            rolled,
          ),
        ]
      : []),
    ...(file.bytes > most.file / 2
      ? [
          found(
            "file-size",
            `${file.path} has ${mib(file.bytes)}: forges refuse ${mib(most.file)}`,
            "take it out of the repository",
          ),
        ]
      : []),
    ...(repository > most.repository / 2
      ? [
          found(
            "repository-size",
            `the repository has ${mib(repository)}: forges want less than ${mib(most.repository)}`,
            "give the ledger a branch of its own (`towline ledger move --to branch`) and clone it shallow; its past can be left behind there",
          ),
        ]
      : []),
  ];
}

/** `files`: path and bytes of each file. */
export function sizeOf(files: Iterable<{ path: string; bytes: number }>, repository: number): LedgerSize {
  const entries = new Map<string, Set<string>>();
  let file = { path: "", bytes: 0 };
  for (const one of files) {
    if (one.bytes > file.bytes) file = one;
    const steps = one.path.split("/");
    for (let n = steps.length - 1; n > 0; n--) {
      const above = steps.slice(0, n).join("/");
      const names = entries.get(above) ?? new Set<string>();
      entries.set(above, names);
      if (names.has(steps[n] as string)) break;
      names.add(steps[n] as string);
    }
  }
  let folder = { path: "", entries: 0 };
  for (const [path, names] of entries) if (names.size > folder.entries) folder = { path, entries: names.size };
  return { folder, file, repository };
}
