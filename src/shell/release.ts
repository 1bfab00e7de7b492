// Where a runtime's program comes from: a release of GitHub's, or an address. What is handed on was checked.
import { createHash } from "node:crypto";
import { bareVersion, checksumIn, filled, type Pin, type Platform, releaseOf, unknownWords } from "../core/release.ts";
import type { Release, Settings } from "../core/schema.ts";
import { configuration, outside } from "../errors.ts";
import { download } from "./download.ts";
import type { Page } from "./release-github.ts";
import { unpacked } from "./release-unpack.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** A program, checked. */
export interface Program {
  version: string;
  /** What it was taken from, for people: the file's name. */
  source: string;
  bytes: Uint8Array;
  sha256: string;
}

/** What is to be had, before anything of it is downloaded. */
export interface Found {
  version: string;
  source: string;
  address: string;
  headers?: Record<string, string>;
  token?: string | undefined;
  env?: Env;
  size?: number | undefined;
  /** Of the download, as the source or the settings name it; null: nobody does. */
  sha256: string | null;
}

/** Asks each source and downloads each file once, however many hosts want it. All calls throw a Fault. */
export interface Releases {
  /** `version`: undefined asks for the newest. */
  find(runtime: string, version: string | undefined, platform: Platform): Promise<Found>;
  /** `pin`: what a host's record says that the program must be. */
  get(runtime: string, found: Found, platform: Platform, pin: Pin | undefined): Promise<Program>;
}

export type Progress = (bytes: number, all: number | undefined) => void;

const most_download = 256 << 20;
const most_text = 1 << 20;

/** Where this runtime comes from. Throws a configuration Fault when nothing says so. */
export function sourceOf(settings: Settings, runtime: string): Release {
  const named = releaseOf(settings, runtime);
  if (named) return named;
  throw configuration(
    `towline.yml does not say where ${runtime} comes from`,
    `write \`releases: {${runtime}: {github: owner/name}}\`, or \`url:\` or \`npm:\` there; or give a local file with --file`,
  );
}

export const sha256Of = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

export function createReleases(settings: Settings, env: Env, progress?: Progress): Releases {
  const pages = new Map<string, Promise<Page>>();
  const finds = new Map<string, Promise<Found>>();
  const programs = new Map<string, Promise<Program>>();

  async function find(runtime: string, version: string | undefined, platform: Platform): Promise<Found> {
    const source = sourceOf(settings, runtime);
    const wanted = version ?? source.version;
    const named = ownHash(source, platform);
    if (source.github === undefined) return atAddress(runtime, source, env, wanted, platform, named);
    // Loaded for those only who deploy from GitHub: an idle tick does not pay for it.
    const { onPage, releasePage } = await import("./release-github.ts");
    const page = await once(pages, `${runtime} ${wanted}`, () => releasePage(source, env, wanted));
    return onPage(runtime, source, page, platform, named);
  }

  return {
    find: (runtime, version, platform) =>
      once(finds, `${runtime} ${version} ${platform.arch}`, () => find(runtime, version, platform)),
    async get(runtime, found, platform, pin) {
      if (found.sha256 === null && pin?.sha256 === undefined)
        throw configuration(
          `nothing says what ${found.source} must be: its release names no sha256`,
          `write the download's sha256 below \`releases.${runtime}\` in towline.yml, or pin the program's in the host's record: \`runtimes: {${runtime}: "${found.version} sha256:…"}\``,
        );
      const program = await once(programs, found.address, () => fetched(runtime, found, platform, progress));
      if (pin?.sha256 !== undefined && program.sha256 !== pin.sha256)
        throw outside(
          `${runtime} ${found.version} in ${found.source} is not what the host's record pins: sha256 ${program.sha256} instead of ${pin.sha256}`,
          "nothing was changed; when it was released anew on purpose, take the pin out and deploy again",
        );
      return program;
    },
  };
}

function once<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const before = known.get(key);
  if (before) return before;
  const made = make();
  known.set(key, made);
  return made;
}

async function fetched(runtime: string, found: Found, platform: Platform, progress?: Progress): Promise<Program> {
  const { address, headers, token, env, size, version, source } = found;
  const bytes = await download(address, { most: most_download, headers, token, ...(env && { env }), size, progress });
  if (bytes === null)
    throw outside(`${source} is not there (404)`, "name another version, or another source in towline.yml");
  const hash = sha256Of(bytes);
  if (found.sha256 !== null && hash !== found.sha256)
    throw outside(
      `${source} is not what its checksum says: sha256 ${hash} instead of ${found.sha256}`,
      "nothing was changed on any host; it was damaged on the way, or somebody tampered with it",
    );
  const program = await unpacked(bytes, runtime, source, platform);
  return { version, source, bytes: program, sha256: sha256Of(program) };
}

const ownHash = ({ sha256 }: Release, { arch, word }: Platform): string | null =>
  typeof sha256 === "string" ? sha256 : (sha256?.[arch] ?? sha256?.[word] ?? null);

/** A plain address: its checksum stands in towline.yml, or beside it. */
async function atAddress(
  runtime: string,
  source: Release,
  env: Env,
  version: string | undefined,
  platform: Platform,
  named: string | null,
): Promise<Found> {
  const pattern = source.url as string;
  const unknown = unknownWords(pattern);
  if (unknown.length > 0)
    throw configuration(
      `\`releases.${runtime}.url\` has ${unknown.join(", ")}, which nothing fills in`,
      "there are {version}, {tag}, {os}, {Os}, {arch} and {Arch}",
    );
  if (version === undefined && /\{(version|tag)\}/.test(pattern))
    throw configuration(
      `no version of ${runtime} is named, and a plain address has no newest one`,
      `write \`version:\` below \`releases.${runtime}\` in towline.yml, or use --version`,
    );
  if (source.token !== undefined && !env[source.token])
    throw configuration(`the token for ${runtime} is not set`, `set ${source.token}, or take \`token\` out`);
  const address = filled(pattern, version ?? "", platform);
  const token = source.token === undefined ? undefined : env[source.token];
  const name = new URL(address).pathname.split("/").at(-1) || runtime;
  const found = { version: bareVersion(version ?? "unversioned"), source: name, address, token, env };
  if (named !== null) return { ...found, sha256: named };
  const sums = new URL(filled(source.checksums ?? `${address}.sha256`, version ?? "", platform), address);
  if (sums.protocol !== "https:" && sums.host !== new URL(address).host)
    throw configuration(`\`releases.${runtime}.checksums\` is on another server without https`, "use https");
  const here = sums.origin === new URL(address).origin;
  const bytes = await download(sums.href, { most: most_text, wall: 60_000, token: here ? token : undefined, env });
  const hash = bytes && checksumIn(new TextDecoder().decode(bytes), name);
  if (bytes && !hash) throw outside(`${sums.pathname} names no sha256 for ${name}`, "nothing was changed on any host");
  return { ...found, sha256: hash };
}
