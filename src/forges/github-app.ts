// A GitHub App's way in: its key signs a short pass, and the pass buys a token for the repositories of one owner.
import { createPrivateKey, createSign } from "node:crypto";
import { z } from "zod";
import type { AppFacts } from "../core/doctor-app.ts";
import type { ForgeSettings } from "../core/schema.ts";
import { configuration } from "../errors.ts";
import { type Api, ApiFault, type ApiOptions, createApi } from "../shell/github-api.ts";

export interface Pass {
  token: string;
  /** Login under which the App writes. */
  as: string;
}

/** Bought anew when it has less than this left, ms. */
const spare = 300_000;
const installation = z.object({ id: z.number(), app_slug: z.string().regex(/^[\w-]{1,100}$/) });
const bought = z.object({ token: z.string().min(1), expires_at: z.iso.datetime({ offset: true }) });

type App = NonNullable<ForgeSettings["app"]>;

/** Buys tokens and keeps them while they last, one an owner. `keep` hears of each before it is used. */
export function createApp(app: App, key: string, options: Omit<ApiOptions, "token" | "variable">, keep: Keep) {
  const held = new Map<string, Pass & { until: number }>();
  return async (owner: string, repo: string, now: number): Promise<Pass> => {
    const known = held.get(owner);
    if (known && known.until - now > spare) return known;
    const api = createApi({ ...options, token: signed(app, key, now), variable: app.key });
    try {
      const found = await installed(api, app, { owner, repo }, installation);
      const made = await api.get(
        titleOf(app, { owner, repo }),
        ({ apps }) => apps.createInstallationAccessToken({ installation_id: found.id }),
        bought,
      );
      keep(`${app.key} (installation)`, made.token);
      const pass = { token: made.token, as: `${found.app_slug}[bot]`, until: Date.parse(made.expires_at) };
      held.set(owner, pass);
      return pass;
    } finally {
      api.close();
    }
  };
}

const titleOf = (app: App, { owner, repo }: Place) => `the App ${app.id} at ${owner}/${repo}`;

type Place = { owner: string; repo: string };

const installed = <T>(api: Api, app: App, at: Place, shape: z.ZodType<T>): Promise<T> =>
  api.get(
    titleOf(app, at),
    ({ apps }) =>
      app.installation === undefined
        ? apps.getRepoInstallation(at)
        : apps.getInstallation({ installation_id: Number(app.installation) }),
    shape,
  );

const rights = z.record(z.string(), z.string());
const page = z.string().regex(/^https?:\/\/[\w./:-]+$/);
const grant = z.object({
  permissions: rights,
  html_url: page.optional().catch(undefined),
  suspended_at: z.string().nullish(),
});
const itself = z.object({
  slug: z.string().regex(/^[\w-]{1,100}$/),
  permissions: rights,
  owner: z
    .object({ login: z.string().regex(/^[\w-]{1,100}$/), type: z.string() })
    .nullish()
    .catch(null),
});

/** What it was granted there. `web`: of the same GitHub, for people. Throws ApiFault, or a Fault where the key is none. */
export async function grantedTo(
  app: App,
  key: string,
  at: Place,
  options: Omit<ApiOptions, "token" | "variable"> & { web: string; now: number },
): Promise<AppFacts> {
  const { web, now, ...rest } = options;
  const api = createApi({ ...rest, token: signed(app, key, now), variable: app.key });
  try {
    const own = await api.get(`the App ${app.id}`, ({ apps }) => apps.getAuthenticated(), itself);
    const of = own.owner?.type === "Organization" ? `organizations/${own.owner.login}/settings` : "settings";
    const links = {
      settings: `${web}/${of}/apps/${own.slug}/permissions`,
      install: `${web}/apps/${own.slug}/installations/new`,
    };
    const facts = { name: own.slug, asks: own.permissions, links };
    const found = await installed(api, app, at, grant).catch((thrown) => {
      if (thrown instanceof ApiFault && thrown.status === 404) return null;
      throw thrown;
    });
    if (found === null) return { ...facts, granted: null };
    const { permissions, html_url, suspended_at } = found;
    const more = html_url === undefined ? {} : { installation: html_url };
    return { ...facts, granted: permissions, suspended: suspended_at != null, links: { ...links, ...more } };
  } finally {
    api.close();
  }
}

/** Takes a secret in, so that it is masked from then on. */
export type Keep = (name: string, value: string) => void;

/** A pass of nine minutes. It counts from a minute ago: GitHub refuses one from its future. */
function signed(app: App, pem: string, now: number): string {
  const seconds = Math.floor(now / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "RS256", typ: "JWT" })}.${part({ iat: seconds - 60, exp: seconds + 540, iss: app.id })}`;
  return `${text}.${createSign("RSA-SHA256").update(text).sign(keyOf(app, pem)).toString("base64url")}`;
}

function keyOf(app: App, pem: string) {
  try {
    // Secrets of CI services are often pasted with `\n` in place of line ends.
    return createPrivateKey(pem.replace(/\\n/g, "\n"));
  } catch {
    throw configuration(
      `the variable ${app.key} holds no private key`,
      "set it to the whole text of the .pem file of the App, from -----BEGIN to END-----",
    );
  }
}
