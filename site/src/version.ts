// What tells one build's data from another's: an open page asks for it, and fetches itself anew when it has changed.
import type { Exported } from "../../src/core/exported.ts";

export const versionOf = ({ policy, ledger }: Pick<Exported<"meta">, "policy" | "ledger">) =>
  `${policy.slice(0, 12)}.${(ledger ?? "").slice(0, 12)}`;
