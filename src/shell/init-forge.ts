// What the forge says before a pack is written: who reads it, who may push, whose token this is. And the one thing that is
// set up there: an environment whose secrets only the default branch gets.
import { z } from "zod";
import { oneLine } from "../core/text.ts";
import { type Api, ApiFault, createApi } from "./github-api.ts";
import type { ForgeSaid, GithubPlace } from "./init-look.ts";

const wall = 20;
const repository = z.object({ private: z.boolean(), default_branch: z.string() });
const branch = z.object({ protected: z.boolean() });
const user = z.object({
  login: z.string().regex(/^[\w-]{1,40}$/),
  id: z.number().int(),
  plan: z.object({ name: z.string() }).optional(),
});
const anything = z.unknown();

type Asked = GithubPlace & { token: string };

const at = ({ repository: named }: GithubPlace) => {
  const [owner = "", repo = ""] = named.split("/");
  return { owner, repo };
};

async function withApi<T>({ url, token, variable }: Asked, work: (api: Api) => Promise<T>): Promise<T> {
  const api = createApi({ url, token, variable: variable ?? "GITHUB_TOKEN", wall });
  try {
    return await work(api);
  } finally {
    api.close();
  }
}

/** Never throws: what is not told is said so. */
export const askForge = (asked: Asked): Promise<ForgeSaid> =>
  withApi(asked, async (api) => {
    const said: ForgeSaid = { untold: [] };
    const part = async <T>(what: string, call: Parameters<Api["get"]>[1], shape: z.ZodType<T>) => {
      try {
        return await api.get(what, call, shape);
      } catch (thrown) {
        if (!(thrown instanceof ApiFault)) throw thrown;
        said.untold.push(`${what}: ${oneLine(thrown.message, 200)}`);
        return undefined;
      }
    };
    const own = await part("the repository", (rest) => rest.repos.get(at(asked)), repository);
    if (own) Object.assign(said, { private: own.private, default_branch: own.default_branch });
    const name = own?.default_branch;
    if (name !== undefined)
      said.protected = (
        await part("its default branch", (rest) => rest.repos.getBranch({ ...at(asked), branch: name }), branch)
      )?.protected;
    const me = await part("whose token this is", (rest) => rest.users.getAuthenticated(), user);
    if (me) Object.assign(said, { owner: `${me.login}:${me.id}`, plan: me.plan?.name });
    return said;
  });

/** The environment, limited to the default branch. Null when that is done; else why it is not. */
export const limitEnvironment = (asked: Asked, name: string, default_branch: string): Promise<string | null> =>
  withApi(asked, async (api) => {
    const where = { ...at(asked), environment_name: name };
    try {
      await api.get(
        `the environment ${name}`,
        (rest) =>
          rest.repos.createOrUpdateEnvironment({
            ...where,
            deployment_branch_policy: { protected_branches: false, custom_branch_policies: true },
          }),
        anything,
      );
      await api
        .get(
          `who may use ${name}`,
          (rest) => rest.repos.createDeploymentBranchPolicy({ ...where, name: default_branch }),
          anything,
        )
        .catch((thrown) => {
          // 303: it is there already.
          if (!(thrown instanceof ApiFault && thrown.status === 303)) throw thrown;
        });
      return null;
    } catch (thrown) {
      if (!(thrown instanceof ApiFault)) throw thrown;
      return oneLine(thrown.message, 200);
    }
  });

/** Opens the pull request for a branch that was pushed. Its address, or why there is none. */
export const openPull = (asked: Asked, branch: string, base: string, title: string): Promise<string | Error> =>
  withApi(asked, async (api) => {
    const body = "The files of a towline pack. Nothing that was there is changed. Merging it is the yes.";
    try {
      const made = await api.get(
        "the pull request",
        (rest) => rest.pulls.create({ ...at(asked), head: branch, base, title, body }),
        z.object({ html_url: z.url() }),
      );
      return made.html_url;
    } catch (thrown) {
      if (!(thrown instanceof ApiFault)) throw thrown;
      return new Error(oneLine(thrown.message, 200));
    }
  });
