// Takes machines out of service and puts them back: `cordon:` in their records, here, on origin or as a branch.
import { parseEntry } from "../core/entry.ts";
import { oneLine } from "../core/text.ts";
import { configuration } from "../errors.ts";
import { dropField, setFields } from "./fleet-record.ts";
import type { PackOptions } from "./pack.ts";
import { type Edited, editRecord, type Where } from "./person-edit.ts";
import type { Secrets } from "./secrets.ts";

export interface Cordoning extends PackOptions {
  /** The work tree's top, or a folder in it. */
  dir: string;
  secrets: Secrets;
  where: Where;
}

export interface Cordoned extends Edited {
  host: string;
  /** Why it is out of service now; null: it is in service. */
  cordon: string | null;
}

export const hostPath = (host: string) => `hosts/${host}.md`;

/** `reason`: null puts it back into service; "" keeps the reason that stands there. */
export async function cordonHost(at: Cordoning, host: string, reason: string | null): Promise<Cordoned> {
  const path = hostPath(host);
  let cordon: string | null = null;
  const edit = (text: string | null) => {
    if (text === null)
      throw at.where === "here"
        ? configuration(`${path} cannot be read`, "`towline fleet status` lists the hosts")
        : configuration(`origin has no ${path}`, "commit and push it first");
    const changed = cordonText(path, text, reason);
    cordon = reasonIn(path, changed);
    return changed;
  };
  const message = reason === null ? `${host} is in service again` : `${host} is cordoned${reason ? `: ${reason}` : ""}`;
  const made = await editRecord(at.dir, at, at.where, { path, edit, message });
  return { host, cordon, ...made };
}

function cordonText(path: string, text: string, reason: string | null): string {
  const before = reasonIn(path, text);
  if (reason === null) return before === null ? text : dropField(text, "cordon");
  const wanted = oneLine(reason, 200);
  if (before !== null && (wanted === "" || wanted === before)) return text;
  return setFields(text, { cordon: wanted === "" ? "true" : wanted });
}

function reasonIn(path: string, text: string): string | null {
  const { entry, problems } = parseEntry(path, "host", text);
  const wrong = problems.find((problem) => problem.level === "error");
  if (!entry) throw configuration(`${path}:${wrong?.line ?? 1}: ${wrong?.message ?? "is no host record"}`, wrong?.fix);
  return entry.data.cordon ?? null;
}

/** What a person types so that ticks see the change. */
export const pushLine = (paths: string[], message: string) =>
  `git add ${paths.join(" ")} && git commit -m "${message}" -- ${paths.join(" ")} && git pull --rebase && git push`;
