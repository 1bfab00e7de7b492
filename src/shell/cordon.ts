// Takes machines out of service and puts them back: `cordon:` in their records, here or on origin.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEntry } from "../core/entry.ts";
import { oneLine } from "../core/text.ts";
import { configuration, messageOf } from "../errors.ts";
import { dropField, setFields } from "./fleet-record.ts";
import type { PackOptions } from "./pack.ts";
import { followOrigin, pushFile } from "./person-push.ts";
import type { Secrets } from "./secrets.ts";

export interface Cordoning extends PackOptions {
  /** The work tree's top, or a folder in it. */
  dir: string;
  secrets: Secrets;
  /** Change origin, and only that file there; else the file in the folder. */
  push: boolean;
}

export interface Cordoned {
  host: string;
  path: string;
  /** Why it is out of service now; null: it is in service. */
  cordon: string | null;
  changed: boolean;
  /** Of the change on origin. */
  commit: string | null;
  /** The folder has it, too. */
  here: boolean;
}

export const hostPath = (host: string) => `hosts/${host}.md`;

/** `reason`: null puts it back into service; "" keeps the reason that stands there. */
export async function cordonHost(at: Cordoning, host: string, reason: string | null): Promise<Cordoned> {
  const path = hostPath(host);
  const edit = (text: string) => cordonText(path, text, reason);
  if (at.push) {
    let cordon: string | null = null;
    const change = {
      path,
      edit: (text: string) => {
        const changed = edit(text);
        cordon = reasonIn(path, changed);
        return changed;
      },
      message: reason === null ? `${host} is in service again` : `${host} is cordoned${reason ? `: ${reason}` : ""}`,
    };
    const commit = await pushFile(at.dir, at, change);
    return { host, path, cordon, changed: commit !== null, commit, here: await followOrigin(at.dir, at.env) };
  }
  const file = join(at.dir, path);
  const text = await readFile(file, "utf8").catch((thrown) => {
    throw configuration(`${path} cannot be read: ${messageOf(thrown)}`, "`towline fleet status` lists the hosts");
  });
  const changed = edit(text);
  if (changed !== text) await writeFile(file, changed);
  return { host, path, cordon: reasonIn(path, changed), changed: changed !== text, commit: null, here: true };
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
