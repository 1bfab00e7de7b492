// A forge that a plugin offers. What it says is data: whether work was merged git says, and whose word counts the table of
// rights, by what the forge says of that person now; where that fails, nobody may anything.
import { z } from "zod";
import { type Act, mayAll } from "../core/authority.ts";
import { most_text } from "../core/marks.ts";
import { outgoing, outgoingLine } from "../core/outgoing.ts";
import type { ForgeQuestion } from "../core/plugin-offers.ts";
import { clean, oneLine } from "../core/text.ts";
import { actorOf } from "../core/who.ts";
import type { Standing } from "../core/work.ts";
import { outside } from "../errors.ts";
import type { Forge, NotHere, Permission, Person, Proposal, Review, Said, Shown } from "../ports.ts";
import type { Targets } from "../shell/target.ts";
import { git, without } from "./git.ts";
import { demands } from "./reviews.ts";

export interface ForgeCalls {
  can: readonly ForgeQuestion[];
  /** Throws a Fault. */
  ask(what: ForgeQuestion, given: object): Promise<unknown>;
}

const address = z
  .string()
  .max(500)
  .regex(/^https?:\/\/[^\s<>"'`()]+$/, "must be a web address");
const commit = z.string().regex(/^[0-9a-f]{40}$/, "must be the id of a commit");
const person = z
  .object({
    login: z.string().min(1).max(100),
    id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
    bot: z.boolean().default(false),
  })
  .nullable()
  .default(null);
const line = z.string().transform((text) => oneLine(text));
const shown = z
  .object({
    number: z.int().min(1).max(1e9),
    url: address,
    state: z.enum(["open", "merged", "closed"]),
    title: line,
    head: commit,
    base: line,
    body: z.string().max(100_000).transform(clean).default(""),
    draft: z.boolean().default(false),
    conflict: z.boolean().nullable().default(null),
    updated: z.iso.datetime({ offset: true }).nullable().default(null),
    merged_by: person,
    closed_by: person,
  })
  .nullable();
const reviews = z
  .array(
    z.object({
      id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
      author: person,
      state: z.enum(["approved", "changes_requested", "commented", "dismissed"]),
      commit: commit.nullable(),
      text: z.string().max(100_000).transform(clean),
      url: address.optional(),
    }),
  )
  .max(500);
const permission = z.object({ id: z.string(), may: z.enum(["admin", "write", "read", "none"]) });

export function offered(name: string, calls: ForgeCalls, targets: Targets): Forge {
  const plain = git(targets);
  const ask = async <T>(what: ForgeQuestion, given: object, shape: z.ZodType<T>): Promise<T> => {
    const read = shape.safeParse(await calls.ask(what, given));
    if (read.success) return read.data;
    const [issue] = read.error.issues;
    throw outside(
      `the forge ${name}: what it says to \`${what}\` is amiss at \`${oneLine((issue?.path ?? []).join("."), 80)}\`: ${oneLine(issue?.message ?? "", 160)}`,
      "mend the plugin",
    );
  };
  const workOf = ({ repo, branch, head, title, body }: Proposal) => ({
    work: {
      ...{ repo, branch, head },
      title: outgoingLine(title ?? branch, 240),
      body: outgoing(body ?? "", { limit: most_text }),
    },
  });
  const look = (work: Proposal) => ask("show", workOf(work), shown);
  const mayOf = async (repo: string, by: Person): Promise<Permission> => {
    // Nobody is asked about whoever the forge calls a program.
    if (by.bot || !calls.can.includes("permission")) return "none";
    const found = await ask("permission", { repo, person: by }, permission);
    return found.id === by.id ? found.may : "none";
  };
  const may = async ({ repo, owners, touches = ["branch"] }: Proposal, by: Person, act: Act) =>
    mayAll(actorOf(owners, { ...by, permission: await mayOf(repo, by) }, act, {}), act, touches, "fresh");
  const reviewsOf = async (work: Proposal): Promise<Review[] | NotHere> =>
    calls.can.includes("reviews")
      ? ask("reviews", workOf(work), reviews)
      : { notHere: `the forge ${name} says nothing of reviews` };

  /** Merged is what stands on the default branch, be it as other commits, whoever says so. */
  async function landed(work: Proposal): Promise<boolean> {
    const target = await targets.fetch(work.repo, [work.branch], work.head === "" ? {} : { commits: [work.head] });
    const { tip, heads } = target.looked;
    const head = work.head || heads.get(work.branch);
    if (head !== undefined && (await target.contains(tip, head))) return true;
    return (await target.holds(tip, work)) === true;
  }

  async function stands(work: Proposal): Promise<Standing> {
    const one = await look(work);
    if (one === null) return plain.stands(work);
    if (one.state === "open") return one.conflict === true ? "conflict" : "open";
    if (await landed(work)) return "merged";
    if (one.state === "merged")
      return { refused: `the forge ${name} calls it merged, and the default branch has not that work: look there` };
    const by = one.closed_by;
    const verdict = by && (await may(work, by, "drop"));
    if (verdict?.allow) return "closed";
    const who = by ? oneLine(by.login, 60) : "somebody who is not known";
    const why = verdict ? ` (${verdict.reason})` : "";
    return { refused: `it was closed by ${who}, which moves nothing here${why}: open it again` };
  }

  async function remarks(work: Proposal): Promise<Said[] | NotHere> {
    const found = await reviewsOf(work);
    if ("notHere" in found) return found;
    const said: Said[] = [];
    for (const { id, author, text, url } of demands(found))
      if (author && text.trim() !== "" && (await may(work, author, "review.changes")).allow)
        said.push({ id: `review ${id}`, by: author, path: null, line: null, text: text.trim().slice(0, 4000), url });
    return said;
  }

  return {
    ...without(`the forge ${name}`),
    name,
    propose: (work) => ask("propose", workOf(work), address),
    async retract(work) {
      if (calls.can.includes("retract")) await calls.ask("retract", workOf(work));
    },
    stands,
    async show(work): Promise<Shown | null> {
      const one = await look(work);
      if (one === null) return null;
      const { merged_by: by, closed_by: _, ...rest } = one;
      return { ...rest, by };
    },
    reviews: reviewsOf,
    remarks,
    permission: (repo, { login, id }) => mayOf(repo, { login, id, bot: false }).catch((): Permission => "none"),
  };
}
