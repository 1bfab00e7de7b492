// Links out of comments and issues to records: those of the pages that the forge shows for the two branches.
import { pathClass } from "./schema.ts";
import { cell } from "./text.ts";

/** Addresses that paths are put behind, like `https://github.com/o/r/blob/main/`. Absent: there are no such pages. */
export interface Web {
  policy: string;
  ledger: string;
}

export function link(web: Web | undefined, label: string, path: string, length = 80): string {
  if (!web) return `${cell(label, length)} (\`${path}\`)`;
  const base = pathClass(path) === "ledger" ? web.ledger : web.policy;
  return `[${cell(label, length)}](${base}${path.split("/").map(encodeURIComponent).join("/")})`;
}
