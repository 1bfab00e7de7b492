// A pack's dedicated keys on a person's machine: `~/.config/towline/ssh/PACK/NAME`, the name being that of the secret
// that holds the same key for the ticks. Private halves are written under 0600, never into a repository.
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import ssh2 from "ssh2";
import { configuration, messageOf } from "../errors.ts";
import { gitEnv, runGit } from "./git.ts";
import { putNew } from "./new-record.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** `pack`: its `id`, or the id that it has on hosts, with the random part behind it. */
export function packKeyFile({ env, home }: { env: Env; home: string }, pack: string, name: string): string {
  const xdg = env.XDG_CONFIG_HOME;
  const config = xdg && isAbsolute(xdg) ? xdg : join(home, ".config");
  return join(config, "towline", "ssh", pack.replace(/-[0-9a-f]{12}$/, "").slice(0, 48), name);
}

/** The line of a public key for `authorized_keys`, or null when the text is no private key that can be read. */
export function publicLine(privateKey: string, comment: string): string | null {
  const key = ssh2.utils.parseKey(privateKey);
  if (key instanceof Error || !key.isPrivateKey()) return null;
  return `${key.type} ${key.getPublicSSH().toString("base64")} ${comment}`.trim();
}

/** An ed25519 pair in OpenSSH's form. One in 128 that the library makes is malformed (it drops a zero): not those. */
function keyPair(comment: string): { private: string; public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519", { comment });
    const fine = publicLine(pair.private, comment) === pair.public.trim();
    if (fine)
      return { private: pair.private.endsWith("\n") ? pair.private : `${pair.private}\n`, public: pair.public.trim() };
  }
}

export interface MadeKey {
  file: string;
  private: string;
  public: string;
  /** Where the key that stood there before is now. */
  old?: string;
}

/**
 * Makes a key in this file; `null` when there is one already, unless it is to be replaced: then that one is kept beside
 * it. Whoever comes second of two finds the first one's.
 */
export async function makeKey(file: string, comment: string, replace = false): Promise<MadeKey | null> {
  const pair = keyPair(comment);
  const folder = dirname(file);
  const fresh = `${file}.${randomBytes(6).toString("hex")}`;
  const failed = (thrown: unknown) =>
    configuration(`the key cannot be written to ${file}: ${messageOf(thrown)}`, "name another place with --file");
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((thrown) => {
    throw failed(thrown);
  });
  try {
    await writeSecret(fresh, pair.private);
    const old = replace ? await setAside(file) : undefined;
    // A link, not a rename: what is there is never written over.
    await putNew(fresh, file);
    await writeFile(`${file}.pub`, `${pair.public}\n`, { mode: 0o644 });
    return { file, ...pair, ...(old ? { old } : {}) };
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "EEXIST") return null;
    throw failed(thrown);
  } finally {
    await rm(fresh, { force: true }).catch(() => {});
  }
}

async function writeSecret(file: string, text: string): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function setAside(file: string): Promise<string | undefined> {
  for (let n = 1; ; n++) {
    const old = `${file}.old${n === 1 ? "" : n}`;
    try {
      await putNew(file, old);
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      if (code === "EEXIST") continue;
      if (code === "ENOENT") return undefined;
      throw thrown;
    }
    await rename(`${file}.pub`, `${old}.pub`).catch(() => {});
    await rm(file);
    return old;
  }
}

/** The private key in a file, or null when there is no such file. */
export async function readKey(file: string): Promise<string | null> {
  return readFile(file, "utf8").catch((thrown) => {
    if (["ENOENT", "ENOTDIR"].includes((thrown as NodeJS.ErrnoException).code ?? "")) return null;
    throw configuration(`${file} cannot be read: ${messageOf(thrown)}`, "look at its owner and mode");
  });
}

/** Throws where a private key would lie in a repository: in this pack's, or in another that would take it up. */
export async function refuseTracked(file: string, top: string, env: Env): Promise<void> {
  const folder = await nearestFolder(dirname(file));
  const way = relative(await realpath(top), join(folder.real, folder.rest));
  if (way === "" || (!way.startsWith("..") && !isAbsolute(way)))
    throw configuration(
      `${file} lies in this repository: a private key is never put there`,
      "name a place outside of it with --file",
    );
  if (!folder.is) return; // a file is in the way: whoever writes there hears of it
  const place = { cwd: folder.real, env: gitEnv(env) };
  const inside = await runGit(place, ["rev-parse", "--is-inside-work-tree"]);
  if (inside.stdout.toString().trim() !== "true") return;
  // This one command refuses to take paths as they are; `./` keeps it from reading more into them.
  const asked = `./${join(folder.rest, basename(file))}`;
  const literal = { env: { GIT_LITERAL_PATHSPECS: "0" } };
  const ignored = await runGit(place, ["check-ignore", "-q", "--no-index", "--", asked], literal);
  if (ignored.code !== 0)
    throw configuration(
      `${file} lies in a git work tree (${folder.real}), and is not ignored there: the next \`git add\` could publish the key`,
      "name another place with --file, or ignore that folder",
    );
}

/** The nearest place on the way that is there, without links; what is missing behind it; and whether it is a folder. */
async function nearestFolder(folder: string): Promise<{ real: string; rest: string; is: boolean }> {
  for (let at = folder, rest = ""; ; rest = join(basename(at), rest), at = dirname(at)) {
    const real = await realpath(at).catch(() => null);
    if (real !== null) return { real, rest, is: (await stat(real)).isDirectory() };
    if (dirname(at) === at) return { real: at, rest, is: false };
  }
}
