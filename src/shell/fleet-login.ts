// The first login on a machine that is not ours yet, with what a person has: their ssh-agent, the usual keys of
// ~/.ssh, or a password typed once. Nothing of it is kept.
import { join } from "node:path";
import type { Host } from "../core/schema.ts";
import { oneLine } from "../core/text.ts";
import { outside } from "../errors.ts";
import { type Connection, HostFault } from "../ports.ts";
import { isLocked, unlock } from "../transports/key.ts";
import type { Ask } from "./confirm.ts";
import { connectHost, type FleetOptions } from "./fleet.ts";
import type { Login } from "./fleet-key.ts";
import { readKey } from "./pack-keys.ts";

export interface Knock {
  /** What the person called it. */
  name: string;
  /** With its host key pinned. */
  host: Host;
  options: FleetOptions;
  ask: Ask;
  /** The public line that is to be brought there: what a person can do by hand. */
  line: string;
}

export interface Entered {
  connection: Connection;
  /** `your ssh-agent`, `~/.ssh/id_ed25519`, `your password`. */
  by: string;
}

const usual_keys = ["id_ed25519", "id_ecdsa", "id_rsa"];
const most_passwords = 3;

/** Logs in, or throws a Fault that says what was tried and what to do by hand. Each way is a login of its own: servers count. */
export async function loginAsPerson(knock: Knock): Promise<Entered> {
  const { name, host, options } = knock;
  const tried: string[] = [];
  let takes: string[] = [];
  const attempt = async (by: string, login: Login): Promise<Entered | null> => {
    if (login.password !== "") tried.push(by);
    try {
      return { by, connection: await connectHost(name, host, { ...options, login }) };
    } catch (thrown) {
      if (!(thrown instanceof HostFault)) throw thrown;
      takes = thrown.takes ?? takes;
      if (thrown.kind === "refused" || tooMany(thrown)) return null;
      throw thrown;
    }
  };
  const entered =
    (options.env.SSH_AUTH_SOCK && (await attempt("your ssh-agent", {}))) ||
    (await byKeys(knock, attempt)) ||
    // Who has nothing to offer asks what would be taken.
    (tried.length === 0 && (await attempt("nothing at all", { password: "" }))) ||
    (await byPassword(knock, attempt, () => takes.some((one) => /password|keyboard/.test(one))));
  if (entered) return entered;
  const what = tried.length === 0 ? "there is no ssh-agent, and no key in ~/.ssh" : `tried ${tried.join(", ")}`;
  const ways = takes.length === 0 ? "" : `; it takes ${takes.map((one) => oneLine(one, 30)).join(", ")}`;
  throw outside(
    `${name} lets nobody in with what is here: ${what}${ways}`,
    `start ssh-agent with a key that it knows, run this on a terminal to type the password, or add this line to ~/.ssh/authorized_keys there and run it again:\n  ${knock.line}`,
  );
}

type Attempt = (by: string, login: Login) => Promise<Entered | null>;

/** A server that counts our keys hangs up with this. */
const tooMany = (thrown: HostFault) =>
  /too many authentication/i.test((thrown.cause as Error | undefined)?.message ?? "");

async function byKeys({ options, ask, name }: Knock, attempt: Attempt): Promise<Entered | null> {
  for (const file of usual_keys) {
    const shown = `~/.ssh/${file}`;
    const keyFile = join(options.home, ".ssh", file);
    const key = await readKey(keyFile).catch(() => null);
    if (key === null) continue;
    options.secrets?.add(shown, key);
    const passphrase = isLocked(key) ? await ask.hidden(`Passphrase of ${shown} (empty: skip it): `) : undefined;
    if (passphrase === null || passphrase === "" || !opens(name, key, passphrase)) continue;
    if (passphrase) options.secrets?.add(`the passphrase of ${shown}`, passphrase);
    const entered = await attempt(shown, { key, keyFile, passphrase });
    if (entered) return entered;
  }
  return null;
}

/** A key that cannot be read, or not with this passphrase, is none of those that are tried. */
function opens(name: string, key: string, passphrase: string | undefined): boolean {
  try {
    unlock(name, key, passphrase);
    return true;
  } catch {
    return false;
  }
}

async function byPassword(
  { name, options, ask }: Knock,
  attempt: Attempt,
  taken: () => boolean,
): Promise<Entered | null> {
  for (let tries = 0; tries < most_passwords && taken(); tries++) {
    const again = tries === 0 ? "" : "That was not accepted. ";
    const password = await ask.hidden(`${again}Password of ${name} (used once, kept nowhere): `);
    if (!password) return null;
    options.secrets?.add("a password", password);
    const entered = await attempt("your password", { password });
    if (entered) return entered;
  }
  return null;
}
