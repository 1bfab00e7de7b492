// The key or the passphrase that a private dashboard is locked with. It is named in towline.yml and stands in the environment.
import type { Settings } from "../core/schema.ts";
import { configuration } from "../errors.ts";
import type { Lock } from "./seal.ts";

type Secret = (name: string) => string | undefined;

const key_form = /^[A-Za-z0-9_-]{22}$/;
const shortest = 12;
export const site_key = "TOWLINE_SITE_KEY";

/** undefined: the dashboard is not private. Throws where it is, and nothing is there to lock it with. */
export function siteLock(site: Settings["site"], secret: Secret): Lock | undefined {
  if (!site?.private) return undefined;
  if (site.passphrase !== undefined) {
    const passphrase = secret(site.passphrase)?.trim() ?? "";
    if (passphrase === "") throw missing(site.passphrase, "store a passphrase as a secret of that name");
    if (passphrase.length < shortest)
      throw configuration(
        `the passphrase in ${site.passphrase} is too short: anybody may try to guess it, as often as they like`,
        `take at least ${shortest} characters; four random words do`,
      );
    return { passphrase };
  }
  const name = site.key ?? site_key;
  const key = secret(name)?.trim() ?? "";
  if (key === "") throw missing(name, "make one with `towline site key`, and store it as a secret of that name");
  if (!key_form.test(key))
    throw configuration(
      `${name} holds no key of a dashboard: a key has 22 characters`,
      "make one with `towline site key`; for words of your own set `site: {passphrase: NAME}`",
    );
  return { key };
}

const missing = (name: string, advice: string) =>
  configuration(
    `the dashboard is private (site.private), and ${name} is not set`,
    `${advice}, and hand it to the tick`,
  );
