// Releases of a GitHub repository: the page of one, its file for a machine, and what its checksums say.
import { z } from "zod";
import { assetNames, bareVersion, checksumIn, checksumNames, filled, type Platform } from "../core/release.ts";
import type { Release } from "../core/schema.ts";
import { configuration, outside } from "../errors.ts";
import { download } from "./download.ts";
import { ApiFault, createApi } from "./github-api.ts";
import type { Found } from "./release.ts";
import { wayOut } from "./way-out.ts";

type Env = Readonly<Record<string, string | undefined>>;

const asset = z.object({
  name: z.string(),
  url: z.string(),
  browser_download_url: z.string(),
  size: z.number().int().nonnegative(),
  digest: z.string().nullish(),
});
const shape = z.object({ tag_name: z.string().regex(/^[^\s]{1,100}$/), assets: z.array(asset) });

export interface Page {
  tag: string;
  assets: z.infer<typeof asset>[];
  token: string | undefined;
  env: Env;
}

const github_api = "https://api.github.com";
const most_text = 1 << 20;

/** The page of a version, or of the newest one. Throws a Fault. */
export async function releasePage(source: Release, env: Env, version: string | undefined): Promise<Page> {
  // GitHub's own token helps against the limit for strangers; another server gets one only when it is named.
  const variable = source.token ?? (source.api === undefined ? "GITHUB_TOKEN" : undefined);
  const token = variable === undefined ? undefined : env[variable];
  if (source.token !== undefined && !token)
    throw configuration(
      `the token for ${source.github} is not set`,
      `set ${source.token}, or take \`token\` out of towline.yml`,
    );
  const url = source.api ?? github_api;
  const api = createApi({
    url,
    fetch: await wayOut(env, url),
    token: token ?? "",
    variable: variable ?? "no variable",
    wall: 30,
  });
  const [owner = "", repo = ""] = (source.github as string).split("/");
  const get = (tag: string | undefined) =>
    api
      .get(
        `release ${tag ?? "latest"} of ${source.github}`,
        ({ repos }) =>
          tag === undefined ? repos.getLatestRelease({ owner, repo }) : repos.getReleaseByTag({ owner, repo, tag }),
        shape,
      )
      .catch((thrown) => {
        if (thrown instanceof ApiFault && thrown.status === 404) return null;
        throw thrown;
      });
  try {
    for (const tag of tagsOf(version)) {
      const found = await get(tag);
      if (found) return { tag: found.tag_name, assets: found.assets, token, env };
    }
  } catch (thrown) {
    if (!(thrown instanceof ApiFault)) throw thrown;
    const limited = thrown.status === 403 || thrown.status === 429;
    const advice =
      thrown.status === undefined
        ? "look at the network of this machine, or deploy a file that you have: --file"
        : limited && !token && !source.api
          ? "a token raises the limit: set GITHUB_TOKEN"
          : "try again later";
    throw outside(`${source.github} cannot be read: ${thrown.message}`, advice, thrown);
  } finally {
    api.close();
  }
  throw configuration(
    `${source.github} has no release${version === undefined ? "" : ` ${version}`} to be seen`,
    "name another version, or another source in towline.yml, like `releases: {picoclaw: {github: sipeed/picoclaw}}`",
  );
}

const tagsOf = (version: string | undefined): (string | undefined)[] =>
  version === undefined ? [undefined] : [...new Set([`v${bareVersion(version)}`, version, bareVersion(version)])];

/** The file of that release for that platform. `named`: its sha256 as towline.yml says. */
export async function onPage(
  runtime: string,
  source: Release,
  page: Page,
  platform: Platform,
  named: string | null,
): Promise<Found> {
  const names = source.asset ? [filled(source.asset, page.tag, platform)] : assetNames(runtime, page.tag, platform);
  const file = names.map((name) => page.assets.find((one) => one.name === name)).find(Boolean);
  if (!file) {
    const there = page.assets.map((one) => one.name);
    throw configuration(
      `release ${page.tag} of ${source.github} has no ${runtime} for ${platform.arch}: it has ${there.slice(0, 20).join(", ") || "no files"}`,
      `name another version, or the file's pattern: \`releases.${runtime}.asset\` in towline.yml, like tool_{os}_{arch}.tar.gz`,
    );
  }
  const read = { headers: { accept: "application/octet-stream" }, token: page.token, env: page.env };
  const listed = await listedHash(runtime, source, page, file.name, read);
  const said = /^sha256:([0-9a-f]{64})$/.exec(file.digest ?? "")?.[1] ?? null;
  const known = [named, listed, said].filter((one) => one !== null);
  if (new Set(known).size > 1)
    throw outside(
      `the checksums for ${file.name} contradict each other`,
      "the release's checksums, GitHub's own digest and towline.yml must name one sha256; nothing was changed",
    );
  return {
    version: bareVersion(page.tag),
    source: file.name,
    address: addressOf(file, source, page.token),
    ...read,
    size: file.size,
    sha256: known[0] ?? null,
  };
}

type Read = Pick<Found, "headers" | "token" | "env">;

async function listedHash(
  runtime: string,
  source: Release,
  page: Page,
  name: string,
  read: Read,
): Promise<string | null> {
  const own = source.checksums?.replaceAll("{version}", bareVersion(page.tag)).replaceAll("{tag}", page.tag);
  const wanted = own === undefined ? checksumNames(runtime, page.tag, name) : [own];
  const file = wanted.map((one) => page.assets.find((item) => item.name === one)).find(Boolean);
  if (!file) return null;
  const bytes = await download(addressOf(file, source, read.token), { most: most_text, wall: 60_000, ...read });
  const hash = bytes && checksumIn(new TextDecoder().decode(bytes), name);
  if (hash) return hash;
  throw outside(`${file.name} of release ${page.tag} names no sha256 for ${name}`, "nothing was changed on any host");
}

/**
 * With a token the API gives the file, also of a private repository; without one the page does, which has no limit. The
 * answer names these addresses: one on another server would be asked with our token.
 */
function addressOf(file: Page["assets"][number], source: Release, token: string | undefined): string {
  const api = new URL(source.api ?? github_api);
  const address = token === undefined ? file.browser_download_url : file.url;
  const at = URL.canParse(address) ? new URL(address) : null;
  if (at && (at.origin === api.origin || (token === undefined && at.protocol === "https:"))) return address;
  throw outside(`${source.github} names a download on another server`, "nothing was downloaded");
}
