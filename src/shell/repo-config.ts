// What counts for us of a clone's own settings: where origin is and how it is reached. What would run a program on
// contents is switched off, and a password in an address is handed to git in the environment, never on a command line.
import type { Place } from "./git.ts";
import { gitAt, remote_name } from "./repo-remote.ts";

/** Name and value, as git prints them: names in lower case but for their middle part. */
export type Setting = [string, string];

// Of origin's settings, its refspecs, mirror, prune and tag settings do not count.
const taken = /^remote\.origin\.(url|pushurl|proxy|proxyauthmethod|uploadpack|receivepack|vcs|serveroption)$/;
const asked = "^(remote\\.origin\\.|core\\.sshcommand$|filter\\..*\\.(clean|smudge|process|required)$)";

export async function readSettings(place: Place): Promise<Setting[]> {
  const text = await gitAt(place).raw(["config", "-z", "--get-regexp", asked]);
  return text
    .split("\0")
    .filter(Boolean)
    .map((item) => {
      const cut = item.indexOf("\n");
      return cut < 0 ? [item, "true"] : [item.slice(0, cut), item.slice(cut + 1)];
    });
}

/** Settings and variables for our git in that clone. `guard: false` is for tests that show what it keeps out. */
export function ourSettings(found: Setting[], guard = true): { settings: Setting[]; env: Record<string, string> } {
  const remote = found
    .filter(([name]) => taken.test(name))
    .map(([name, value]): Setting => [name.replace("remote.origin", `remote.${remote_name}`), value]);
  if (!guard) return { settings: remote, env: {} };
  const filters = found
    .filter(([name]) => name.startsWith("filter."))
    .map(([name]): Setting => [name, name.endsWith(".required") ? "false" : ""]);
  const env: Record<string, string> = {};
  const settings = remote.flatMap(([name, value], at): Setting[] => {
    const login = /url$/.test(name) ? loginIn(value) : null;
    if (login === null) return [[name, value]];
    const [user, password] = [`TOWLINE_ORIGIN_USER_${at}`, `TOWLINE_ORIGIN_PASSWORD_${at}`];
    Object.assign(env, { [user]: login.user, [password]: login.password });
    const helper = `!f() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' "$${user}" "$${password}"; }; f`;
    return [
      [name, login.address],
      // The empty value puts away the helpers that stand before: this address brought its own password.
      [`credential.${login.server}.helper`, ""],
      [`credential.${login.server}.helper`, helper],
    ];
  });
  return { settings: [...settings, ...filters], env };
}

/** An address with a password in it, or with a token in the place of a user, taken apart. */
function loginIn(value: string): { address: string; server: string; user: string; password: string } | null {
  const [, scheme, login, rest] = /^(https?:\/\/)([^/@]*)@(.*)$/s.exec(value) ?? [];
  if (scheme === undefined || login === undefined) return null;
  const cut = login.indexOf(":");
  const user = plain(cut < 0 ? login : login.slice(0, cut));
  const password = cut < 0 ? "" : plain(login.slice(cut + 1));
  if (password === "" && user.length < 20) return null;
  return {
    address: scheme + rest,
    server: scheme + (rest as string).replace(/\/.*$/s, ""),
    user,
    password: password || "x-oauth-basic",
  };
}

function plain(escaped: string): string {
  try {
    return decodeURIComponent(escaped);
  } catch {
    return escaped;
  }
}
