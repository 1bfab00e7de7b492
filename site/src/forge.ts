// The forge's own forms for this pack; null where it has none.
import { linksOf } from "../../src/core/forge-links.ts";
import { record } from "./records.ts";

export async function forge() {
  const { forge_name, forge: url, branch, ledger_branch, policy, ledger } = await record("meta");
  return linksOf({ forge: forge_name, url, branch, ledger: ledger_branch, commits: { policy, ledger } });
}
