// Which tool a file is of, and what it says of machines.
import { importAnsibleIni } from "./import-ansible-ini.ts";
import { importAnsibleYaml } from "./import-ansible-yaml.ts";
import { importClassic } from "./import-classic.ts";
import { importCsv, isCsvHeader } from "./import-csv.ts";
import type { Imported, Source } from "./import-machine.ts";
import { importSshConfig } from "./import-ssh-config.ts";

const readers = {
  classic: importClassic,
  "ansible-ini": importAnsibleIni,
  "ansible-yaml": importAnsibleYaml,
  ssh_config: importSshConfig,
  csv: importCsv,
} satisfies Record<string, (source: Source) => Imported>;

export type ImportFormat = keyof typeof readers;
export const import_formats = Object.keys(readers) as ImportFormat[];

/** By what stands in it; its name decides only where that says nothing. */
export function detectFormat({ file, text }: Source): ImportFormat | null {
  const lines = text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim());
  const first = lines.find((line) => line !== "" && !/^[#;]/.test(line));
  if (first === undefined) return null;
  if (first.startsWith("{")) return "classic";
  if (isCsvHeader(first)) return "csv";
  if (lines.some((line) => /^(Host|Match)[\s=]/i.test(line))) return "ssh_config";
  if (
    first === "---" ||
    /^(all|ungrouped):\s*$/.test(first) ||
    (/^["']?[\w.-]+["']?:\s*(#.*)?$/.test(first) && /^\s+(hosts|children|vars):/m.test(text))
  )
    return "ansible-yaml";
  if (lines.some((line) => /^\[[^\]]+\]/.test(line) || /\bansible_\w+=/.test(line))) return "ansible-ini";
  if (/\.csv$/i.test(file)) return "csv";
  if (/\.ya?ml$/i.test(file)) return "ansible-yaml";
  if (/\.json$/i.test(file)) return "classic";
  return /^[\w.:[\]-]+$/.test(first) ? "ansible-ini" : null;
}

export const importAs = (format: ImportFormat, source: Source): Imported => readers[format](source);
