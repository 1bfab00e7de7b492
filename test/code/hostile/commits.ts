// Hostile results, as commits: each row is one commit of a branch whose files are all in order.
import type { Signing } from "./objects.ts";
import { secret, secret_messages } from "./secrets.ts";

export interface CommitRow {
  kind: string;
  name: string;
  how: Signing;
  /** Reads after `commit <id>`. */
  says: RegExp;
}

const forged: [string, Signing, RegExp][] = [
  ["a person as author", { author: { name: "Ada", email: "ada@example.org" } }, /names another author: Ada/],
  ["a person as committer", { committer: { name: "Ada", email: "ada@example.org" } }, /names another committer/],
  ["our name, another address", { author: { email: "ada@example.org" } }, /names another author/],
  ["our address, another name", { author: { name: "Ada" } }, /names another author/],
  ["the bot of a forge", { committer: { name: "GitHub", email: "noreply@github.com" } }, /names another committer/],
  ["a look-alike", { author: { name: "scоut (towline)" } }, /names another author/],
  ["an empty name", { author: { name: "" } }, /names another author/],
];
const trailers = [
  "Signed-off-by: Ada <ada@example.org>",
  "Reviewed-by: Ada <ada@example.org>",
  "Acked-by: Ada <ada@example.org>",
  "Approved-by: Ada <ada@example.org>",
  "Tested-by: Ada <ada@example.org>",
  "Co-authored-by: Ada <ada@example.org>",
  "cO-aUtHoReD-By: Ada <ada@example.org>",
  "  Co-developed-by: Ada <ada@example.org>",
].map((line): [string, Signing, RegExp] => [line, { message: `Counts\n\n${line}` }, /speaks for somebody else/]);
const skips = ["Counts [skip ci]", "Counts [ci skip]", "Counts [no ci]", "Counts\n\nskip-checks: true"].map(
  (message): [string, Signing, RegExp] => [JSON.stringify(message), { message }, /asks the forge to skip its checks/],
);
const hidden: [string, Signing, RegExp][] = [
  ["turned around", { message: "Counts \u202eelif" }, /hidden characters/],
  ["orders to a terminal", { message: "Counts\u001b[2K\u001b[1A" }, /hidden characters/],
  ["a line that is written over", { message: "Evil\rGood" }, /hidden characters/],
  ["tags", { message: "Counts\u{e0065}\u{e0076}" }, /hidden characters/],
  ["variation selectors", { message: "Counts\u{e0155}\u{e0166}" }, /hidden characters/],
];
const headers: [string, Signing, RegExp][] = [
  ["a header of its own", { headers: "x-note canary-header-1-x9q\n" }, /has a header that nobody sees: x-note/],
  ["a secret as a signature", { headers: `gpgsig ${secret}\n` }, /holds what looks like a secret \(DEPLOY_TOKEN\)/],
  [
    "a secret in a merged tag",
    { headers: `mergetag object ${"a".repeat(40)}\n type commit\n tag x\n \n ${secret}\n` },
    /holds what looks like a secret \(DEPLOY_TOKEN\)/,
  ],
];

const rows = (kind: string, list: [string, Signing, RegExp][]): CommitRow[] =>
  list.map(([name, how, says]) => ({ kind, name, how, says }));
export const commit_rows: CommitRow[] = [
  ...rows("author", forged),
  ...rows("trailer", trailers),
  ...rows("skip", skips),
  ...rows("message", hidden),
  ...rows("header", headers),
  ...rows(
    "secret",
    secret_messages.map(([name, how]) => [name, how, /holds what looks like a secret \(DEPLOY_TOKEN\)/]),
  ),
];
