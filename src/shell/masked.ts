// The doors through which text leaves: commits, the views that the database and the dashboard are made of, reports.
import type { Changes, Repo, Report } from "../ports.ts";
import type { Secrets } from "./secrets.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The repository with every commit of ours masked: contents, names of files, the subject and the heartbeat. */
export function masking(repo: Repo, secrets: Secrets): Repo {
  return {
    ...repo,
    push(tips, changes, note) {
      const clean: Changes = new Map();
      for (const [path, content] of changes)
        clean.set(secrets.mask(path), typeof content === "string" ? secrets.mask(content) : masked(content, secrets));
      return repo.push(tips, clean, { ...note, subject: secrets.mask(note.subject) });
    },
    beat: (file, text) => repo.beat(file, secrets.mask(text)),
  };
}

/**
 * The repository as others may see it: what people's files hold is masked, too. For the database and the dashboard;
 * nothing is decided from it. Asked for a path by its masked name, it finds the file.
 */
export function visible(repo: Repo, secrets: Secrets): Repo {
  const real = new Map<string, string>();
  const named = <T extends { path: string }>(item: T): T => {
    const path = secrets.mask(item.path);
    if (path === item.path) return item;
    real.set(path, item.path);
    return { ...item, path };
  };
  return {
    ...repo,
    tree: async (commit, paths, as) =>
      (
        await repo.tree(
          commit,
          paths?.map((path) => real.get(path) ?? path),
          as,
        )
      ).map(named),
    diff: async (from, to) => (await repo.diff(from, to)).map(named),
    blobs: async (ids, maxBytes) =>
      new Map([...(await repo.blobs(ids, maxBytes))].map(([id, bytes]) => [id, masked(bytes, secrets)])),
  };
}

/** Bytes that are no text stay as they are, unless a secret stands in them byte for byte. */
function masked(bytes: Uint8Array | null, secrets: Secrets): Uint8Array | null {
  if (bytes === null) return null;
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    const latin = Buffer.from(bytes).toString("latin1");
    const clean = secrets.mask(latin);
    return clean === latin ? bytes : Buffer.from(clean, "utf8");
  }
  const clean = secrets.mask(text);
  return clean === text ? bytes : Buffer.from(clean, "utf8");
}

/** A report whose every line is masked. */
export function maskedReport(report: Report, secrets: Secrets): Report {
  const at = (place?: { path: string; line?: number; column?: number }) =>
    place && { ...place, path: secrets.mask(place.path) };
  return {
    progress: (line) => report.progress(secrets.mask(line)),
    note: (line) => report.note(secrets.mask(line)),
    warning: (line, place) => report.warning(secrets.mask(line), at(place)),
    error: (line, place) => report.error(secrets.mask(line), at(place)),
    summary: (markdown) => report.summary(secrets.mask(markdown)),
  };
}
