// Whose word it is. Numeric ids are compared, never names: those can be given up, taken over, and made to look alike.
import { type Act, type Actor, isYes } from "./authority.ts";
import { oneLine } from "./text.ts";

/** What a forge says that somebody may do in a repository, looked up at the moment of use. */
export type Right = "admin" | "write" | "read" | "none" | "unknown";

export interface Person {
  login: string;
  /** The forge's own number. */
  id: string;
  /** A bot, an app, an organisation: whatever is no person. */
  bot: boolean;
  permission: Right;
}

/** How a person stands to what their word is about. */
export interface Relation {
  /** Towline wrote it. */
  own?: boolean;
  /** Id of the account in whose name the work was proposed. */
  author?: string | undefined;
  /** Id of the author of a pull request that comes from another repository. */
  fork?: string | undefined;
}

/** `ann:1234`, `ann 1234`, `ann (1234)`. */
const owner_form = /^@?([A-Za-z0-9][\w.-]{0,99})(?:\s*[:#]\s*|\s+\(?)(\d{1,20})\)?$/;
const id_form = /^[1-9]\d{0,19}$/;

export interface Owner {
  login: string;
  id: string;
}

/** Entries of `owners` in towline.yml. `broken`: those that make nobody an owner, as they name no id. */
export function ownersOf(said: readonly string[] | undefined): { owners: Owner[]; broken: string[] } {
  const read = (said ?? []).map((entry) => ({ entry, found: owner_form.exec(entry.trim()) }));
  return {
    owners: read.flatMap(({ found }) => (found ? [{ login: found[1] as string, id: found[2] as string }] : [])),
    broken: read.flatMap(({ entry, found }) => (found ? [] : [oneLine(entry, 60)])),
  };
}

export function actorOf(owners: readonly string[] | undefined, person: Person, act: Act, relation: Relation): Actor {
  if (relation.own) return "self";
  if (!id_form.test(person.id)) return "unknown";
  if (person.bot !== false || /\[bot\]$/i.test(person.login)) return "bot";
  const { permission } = person;
  if (permission === "read" || permission === "none") return relation.fork === person.id ? "fork" : permission;
  if (permission !== "admin" && permission !== "write") return "unknown";
  if (isYes(act) && relation.author === person.id) return "author";
  return ownersOf(owners).owners.some(({ id }) => id === person.id) ? "owner" : permission;
}

// Letters that are taken for others in the names of accounts.
const alike: Record<string, string> = {
  "0": "o",
  "1": "l",
  i: "l",
  "|": "l",
  а: "a",
  е: "e",
  о: "o",
  р: "p",
  с: "c",
  х: "x",
  у: "y",
  і: "l",
  ѕ: "s",
  ј: "j",
  ԁ: "d",
  һ: "h",
  ո: "n",
  α: "a",
  ο: "o",
  ν: "v",
  ρ: "p",
  ı: "l",
  "-": "",
  _: "",
  ".": "",
};

/** What a name looks like. */
export function looks(login: string): string {
  const flat = login.normalize("NFKD").toLowerCase().replace(/\p{M}/gu, "").replaceAll("rn", "m").replaceAll("vv", "w");
  return [...flat].map((letter) => (Object.hasOwn(alike, letter) ? alike[letter] : letter)).join("");
}

/** The owner that somebody's name could be taken for, who is another one. */
export function takenFor(owners: readonly string[] | undefined, person: Pick<Person, "login" | "id">): string | null {
  const same = ownersOf(owners).owners.find(
    ({ login, id }) => id !== person.id && looks(login) === looks(person.login),
  );
  return same?.login ?? null;
}
