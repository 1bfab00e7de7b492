// How the forge is spoken to: as whom, about which repository, and not at all while it asked to be left alone.
import { z } from "zod";
import type { ForgeSettings } from "../core/schema.ts";
import { configuration, type Fault, outside } from "../errors.ts";
import { type Api, ApiFault, createApi } from "../shell/github-api.ts";
import { apiUrl, ownRepository, repositoryAt } from "../shell/github-place.ts";
import { wayOut } from "../shell/way-out.ts";
import { createApp, type Pass } from "./github-app.ts";
import type { ForgeOptions } from "./index.ts";

/** A conversation about one repository. */
export interface At {
  api: Api;
  owner: string;
  repo: string;
  /** Whose comments are our own. */
  isMe(author: { id: string; login: string } | null): Promise<boolean>;
}

export interface Session {
  /** null: the repository is on another server. */
  find(repo: string): Promise<{ owner: string; repo: string } | null>;
  /** Throws a Fault. `seen` may take a fault for what it is before it becomes one. */
  speak<T>(place: { owner: string; repo: string }, work: (at: At) => Promise<T>): Promise<T>;
}

/** After no answer it is not asked again for so long, ms: not every proposal has to wait for the same dead server. */
const rest_after = 30_000;
/** The Actions token may not ask who it is. */
const actions_bot = { id: "41898282", login: "github-actions[bot]" };
const own_advice = "set `forge: git` where it is on no GitHub, or give `forge.url` the address of its API";

export function createSession(config: ForgeSettings, { env, origin, paced, keep = () => {} }: ForgeOptions): Session {
  const url = apiUrl(config, env);
  const variable = config.app?.key ?? config.token;
  let rest: { until: number; why: string } | null = null;
  const me = new Map<string, Promise<{ id?: string; login: string }>>();
  let app: ReturnType<typeof createApp> | undefined;
  const passFor = async (owner: string, repo: string): Promise<Pass | { token: string }> => {
    const secret = env[variable];
    if (!secret) throw unset(variable);
    keep(variable, secret);
    if (!config.app) return { token: secret };
    app ??= createApp(config.app, secret, { url, wall: config.wall, fetch: await wayOut(env, url) }, keep);
    return app(owner, repo, Date.now());
  };
  return {
    async find(repo) {
      const named =
        repo === "."
          ? await ownRepository(env, url, origin, own_advice)
          : /^[\w-]+\/[\w.-]+$/.test(repo)
            ? repo
            : repositoryAt(url, repo);
      const [owner = "", name = ""] = named?.split("/") ?? [];
      return named === null ? null : { owner, repo: name };
    },
    async speak({ owner, repo }, work) {
      if (rest !== null && Date.now() < rest.until) throw outside(rest.why, "the next tick asks again");
      let api: Api | undefined;
      try {
        const pass = await passFor(owner, repo);
        api = createApi({ url, token: pass.token, variable, wall: config.wall, fetch: await wayOut(env, url), paced });
        const mine = api;
        const isMe: At["isMe"] = async (author) => {
          if (author === null) return false;
          if ("as" in pass) return author.login === pass.as;
          const known = me.get(pass.token) ?? whoami(mine);
          me.set(pass.token, known);
          known.catch(() => me.delete(pass.token));
          const { id, login } = await known;
          return author.id === id && author.login === login;
        };
        return await work({ api, owner, repo, isMe });
      } catch (thrown) {
        if (!(thrown instanceof ApiFault)) throw thrown;
        if (thrown.until !== undefined) rest = { until: thrown.until, why: thrown.message };
        else if (thrown.scope === "source" && thrown.status === undefined)
          rest = { until: Date.now() + rest_after, why: thrown.message };
        throw faultOf(thrown, variable);
      } finally {
        api?.close();
      }
    },
  };
}

const unset = (variable: string) =>
  configuration(
    `the forge's variable ${variable} is empty`,
    `set it (in a workflow: \`env: {${variable}: …}\` of the tick step), or name another in towline.yml under \`forge:\``,
  );

const user = z.object({ id: z.number().transform(String), login: z.string() });

async function whoami(api: Api): Promise<{ id: string; login: string }> {
  try {
    return await api.get("the owner of the token", ({ users }) => users.getAuthenticated(), user);
  } catch (thrown) {
    if (thrown instanceof ApiFault && thrown.status === 403) return actions_bot;
    throw thrown;
  }
}

/** What a person has to mend is told from what may pass by itself. */
function faultOf(fault: ApiFault, variable: string): Fault {
  const why = `the forge: ${fault.message}`;
  if (fault.until !== undefined) return outside(why, "the next tick after that asks again", fault);
  if (fault.status === 401) return configuration(why, `put a token that counts into ${variable}`);
  if (fault.status === 403)
    return configuration(why, `give it that right: \`permissions:\` of the workflow, or the token's own settings`);
  if (fault.status === 404)
    return configuration(why, `look whether the repository is there, and whether ${variable} may see it`);
  return outside(why, "the next tick asks again", fault);
}
