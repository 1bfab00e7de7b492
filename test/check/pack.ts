// Packs as values: a path and its text each.
import { type Checked, type CheckInput, check } from "../../src/core/check.ts";
import type { CheckFile } from "../../src/core/check-pack.ts";

export const file = (path: string, text: string | null, mode = "100644"): CheckFile => ({
  path,
  mode,
  text,
  size: text?.length ?? 2 << 20,
});

export const sound: Record<string, string> = {
  "towline.yml": "id: pack-1\nname: Pack\ndefaults:\n  agent: scout\n",
  "agents/scout.md": "---\nruntime: shell\nhosts: label:web\n---\nCareful.\n",
  "hosts/web1.md": "---\naddress: web1.example.org\nuser: bot\nlabels: [web]\n---\n",
  "tasks/one.md": "---\ntitle: One\n---\nuptime\n",
};

/** The sound pack with these files put in its place or (null) taken away. */
export function checked(files: Record<string, string | null>, more: Partial<CheckInput> = {}): Checked {
  const all = Object.entries({ ...sound, ...files }).flatMap(([path, text]) =>
    text === null ? [] : [file(path, text)],
  );
  return check({
    runtimes: ["shell", "picoclaw", "ollama", "claude", "tmux"],
    ...more,
    files: [...all, ...(more.files ?? [])],
  });
}

/** `path:line:col code` of each problem, warnings with a `?`. */
export const places = (found: Checked) =>
  found.problems.map((p) => `${p.path}:${p.line}:${p.column} ${p.code}${p.level === "warning" ? "?" : ""}`);
