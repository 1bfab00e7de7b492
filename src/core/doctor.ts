// What keeps a pack from working, beyond what its records say: the workflow of its ticks, and the forge's settings.
import { type AppFacts, appFindings } from "./doctor-app.ts";
import { forgeFindings } from "./doctor-forge.ts";
import { scheduleFindings } from "./doctor-schedule.ts";
import { secretFindings } from "./doctor-secrets.ts";
import { startFindings } from "./doctor-start.ts";
import type { Entry } from "./entry.ts";
import type { Settings } from "./schema.ts";

export interface Finding {
  level: "error" | "warning";
  code: string;
  message: string;
  fix: string;
  path?: string;
  line?: number;
  /** Where it is mended on the forge. */
  link?: string;
}

/** What a forge says of itself. A part that it does not tell this token is absent. */
export interface ForgeFacts {
  /** `owner/name`, and the address of its page. */
  repository: string;
  page: string;
  private?: boolean;
  default_branch?: string;
  /** Of the workflow of the ticks: `active`, `disabled_inactivity`, `disabled_manually` … */
  workflow?: string;
  may_open_pulls?: boolean;
  /** `limited`: only the default branch may use it, or only branches that are protected. */
  environments?: { name: string; limited: boolean }[];
  /** Names of secrets, of the repository and of the environment that the ticks use. */
  secrets?: string[];
  stop?: boolean;
  /** Of the App that the settings name. */
  app?: AppFacts;
  /** What it did not tell, in words. */
  untold: string[];
}

export interface Examined {
  files: readonly { path: string; text: string | null }[];
  /** Text of the workflow of the ticks; null: there is none. */
  workflow: string | null;
  /** Origin is a folder of this machine: nobody else runs ticks. */
  folder?: boolean;
  settings: Settings;
  hosts: readonly Entry<"host">[];
  tasks: readonly Entry<"task">[];
  /** null: nobody was asked. */
  forge: ForgeFacts | null;
  now: Date;
}

/** Errors first, each with the place on the forge where it is mended: that of a file is its editor. */
export const examine = (one: Examined): Finding[] =>
  [startFindings, secretFindings, scheduleFindings, forgeFindings, appFindings]
    .flatMap((check) => check(one))
    .map((found) => ({ ...found, ...linkOf(found, one.forge) }))
    .sort((a, b) => (a.level < b.level ? -1 : a.level > b.level ? 1 : 0));

function linkOf({ link, path }: Finding, forge: ForgeFacts | null): { link?: string } {
  if (link !== undefined) return { link };
  const { page, default_branch: branch } = forge ?? {};
  if (page === undefined || branch === undefined || path === undefined) return {};
  const parts = [...branch.split("/"), ...path.split("/")].map(encodeURIComponent);
  return { link: `${page}/edit/${parts.join("/")}` };
}
