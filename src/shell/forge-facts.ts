// What GitHub says of a pack's repository and its settings. A part that it does not tell this token is left out.
import { z } from "zod";
import type { ForgeFacts } from "../core/doctor.ts";
import { type Api, ApiFault, createApi } from "./github-api.ts";

export interface Asked {
  url: string;
  /** `https://github.com`, or that of a company's own server. */
  web: string;
  repository: string;
  token: string;
  variable: string;
  /** How requests leave this machine. */
  fetch?: typeof fetch;
}

const wall = 20;
const names = z.object({ name: z.string() }).array();
const repository = z.object({ private: z.boolean(), default_branch: z.string() });
const workflow = z.object({ state: z.string() });
const permissions = z.object({ can_approve_pull_request_reviews: z.boolean() });
const environments = z.object({
  environments: z
    .object({
      name: z.string(),
      deployment_branch_policy: z.object({ custom_branch_policies: z.boolean().nullish() }).nullish(),
    })
    .array(),
});
const policies = z.object({ branch_policies: names });
const secrets = z.object({ secrets: names });
const variable = z.object({ value: z.string() });

export async function forgeFacts({
  url,
  web,
  repository: named,
  token,
  variable: from,
  fetch,
}: Asked): Promise<ForgeFacts> {
  const [owner = "", repo = ""] = named.split("/");
  const at = { owner, repo, per_page: 100 };
  const api = createApi({ url, token, variable: from, wall, ...(fetch && { fetch }) });
  const facts: ForgeFacts = { repository: named, page: `${web}/${named}`, untold: [] };
  try {
    const told = await part(facts, api, "the repository", (rest) => rest.repos.get(at), repository);
    if (told) Object.assign(facts, { private: told.private, default_branch: told.default_branch });
    const tick = { ...at, workflow_id: "tick.yml" };
    facts.workflow = (
      await part(facts, api, "the workflow's state", (rest) => rest.actions.getWorkflow(tick), workflow)
    )?.state;
    facts.may_open_pulls = (
      await part(
        facts,
        api,
        "the rights of Actions",
        (rest) => rest.actions.getGithubActionsDefaultWorkflowPermissionsRepository(at),
        permissions,
      )
    )?.can_approve_pull_request_reviews;
    facts.environments = await environmentsOf(facts, api, at);
    facts.secrets = await secretsOf(facts, api, at);
    const stop = { ...at, name: "TOWLINE_STOP" };
    facts.stop = await api
      .get("TOWLINE_STOP", (rest) => rest.actions.getRepoVariable(stop), variable)
      .then(({ value }) => value !== "")
      .catch(() => undefined);
    return facts;
  } finally {
    api.close();
  }
}

type At = { owner: string; repo: string; per_page: number };

/** Who may use them. */
async function environmentsOf(facts: ForgeFacts, api: Api, at: At): Promise<ForgeFacts["environments"]> {
  const told = await part(facts, api, "environments", (rest) => rest.repos.getAllEnvironments(at), environments);
  if (!told) return undefined;
  const found: NonNullable<ForgeFacts["environments"]> = [];
  for (const { name, deployment_branch_policy: policy } of told.environments) {
    if (!policy?.custom_branch_policies) {
      found.push({ name, limited: policy != null });
      continue;
    }
    const where = { ...at, environment_name: name };
    const list = await part(
      facts,
      api,
      `branches that may use ${name}`,
      (rest) => rest.repos.listDeploymentBranchPolicies(where),
      policies,
    );
    const only = (one: { name: string }) => one.name === facts.default_branch;
    // Half a list accuses wrongly.
    if (!list) return undefined;
    found.push({ name, limited: list.branch_policies.every(only) });
  }
  return found;
}

/** Of the repository and of all its environments; when one list is not told, none is: half a list accuses wrongly. */
async function secretsOf(facts: ForgeFacts, api: Api, at: At): Promise<string[] | undefined> {
  const own = await part(facts, api, "names of secrets", (rest) => rest.actions.listRepoSecrets(at), secrets);
  const shared =
    own &&
    (await part(
      facts,
      api,
      "names of the organisation's secrets",
      (rest) => rest.actions.listRepoOrganizationSecrets(at),
      secrets,
    ));
  if (!own || !shared || !facts.environments) return undefined;
  const all = [...own.secrets, ...shared.secrets];
  for (const { name } of facts.environments) {
    const where = { ...at, environment_name: name };
    const more = await part(
      facts,
      api,
      `secrets of ${name}`,
      (rest) => rest.actions.listEnvironmentSecrets(where),
      secrets,
    );
    if (!more) return undefined;
    all.push(...more.secrets);
  }
  return all.map(({ name }) => name);
}

async function part<T>(
  facts: ForgeFacts,
  api: Api,
  what: string,
  call: Parameters<Api["get"]>[1],
  shape: z.ZodType<T>,
): Promise<T | undefined> {
  try {
    return await api.get(what, call, shape);
  } catch (thrown) {
    if (!(thrown instanceof ApiFault)) throw thrown;
    facts.untold.push(`${what}: ${thrown.message}`);
    return undefined;
  }
}
