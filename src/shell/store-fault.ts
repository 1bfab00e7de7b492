// What can be wrong with a database, in words. Drivers put addresses and tokens into their messages: none pass here.

/**
 * down: nobody answers, or the connection broke · slow: no answer in time · denied: token or rights ·
 * busy: quota · locked: another process writes · schema: tables are not as our migrations made them ·
 * conflict: another sync was faster · foreign: not this pack's database, or a newer towline's · other
 */
export type StoreFaultKind =
  | "down"
  | "slow"
  | "denied"
  | "busy"
  | "locked"
  | "schema"
  | "conflict"
  | "foreign"
  | "other";

export class StoreFault extends Error {
  readonly kind: StoreFaultKind;
  constructor(kind: StoreFaultKind, message: string) {
    super(message);
    this.name = "StoreFault";
    this.kind = kind;
  }
}

interface Thrown {
  name?: string;
  code?: unknown;
  message?: string;
  status?: unknown;
  cause?: Thrown;
}

/** Any error of the driver as a StoreFault without its cause chain. */
export function storeFault(thrown: unknown, secrets: string[]): StoreFault {
  if (thrown instanceof StoreFault) return thrown;
  const chain = causes(thrown as Thrown);
  const said = redact(
    chain.map((one) => one.message ?? "").find((m) => m !== "" && m !== "fetch failed") ?? "",
    secrets,
  );
  const codes = chain.map((one) => String(one.code ?? ""));
  const all = chain.map((one) => `${one.name} ${one.code} ${one.message}`).join("\n");
  const status = Number(/HTTP status (\d{3})/.exec(all)?.[1] ?? 0);
  if (status === 401)
    return fault("denied", "the database refused the token (HTTP 401): it is missing, wrong or expired");
  if (status === 403) return fault("denied", "the token may not write to this database (HTTP 403)");
  if (status === 429) return fault("busy", "the database's quota is used up (HTTP 429)");
  if (status >= 500) return fault("down", `the database server is in trouble (HTTP ${status})`);
  if (/TimeoutError|AbortError|The operation was aborted/.test(all))
    return fault("slow", "the database did not answer in time");
  if (/SQLITE_BUSY|database is locked|TRANSACTION_TIMEOUT|\bLOCKED\b/.test(all))
    return fault("locked", "another process holds the database");
  if (/SQLITE_CONSTRAINT/.test(all)) return fault("conflict", "another sync was faster");
  if (/no such (table|column)|has no column named/.test(all))
    return fault("schema", `the database's tables are not as towline makes them (${said})`);
  const network = codes.find((code) =>
    /^(ECONN\w+|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|E(?:HOST|NET)UNREACH|EPIPE|UND_ERR_\w+|HRANA_WEBSOCKET_ERROR|STREAM_\w+)$/.test(
      code,
    ),
  );
  if (network || /fetch failed|socket|stream not found|ECONN/i.test(all))
    return fault("down", network ? `the database does not answer (${network})` : "the database does not answer");
  return fault("other", `the database said: ${said || "nothing that could be read"}`);
}

const fault = (kind: StoreFaultKind, message: string) => new StoreFault(kind, message);

function causes(thrown: Thrown): Thrown[] {
  const chain: Thrown[] = [];
  for (let one: Thrown | undefined = thrown; one && chain.length < 6; one = one.cause) chain.push(one);
  return chain;
}

/** One line without the given secrets, addresses, or anything of a token's shape. */
export function redact(text: string, secrets: string[]): string {
  let clean = text.split("\n", 1)[0] as string;
  for (const secret of secrets) if (secret.length > 3) clean = clean.replaceAll(secret, "…");
  return clean
    .replace(/\b(?:libsql|https?|wss?):\/\/\S+/g, "…")
    .replace(/\beyJ[\w-]+(?:\.[\w-]*)*/g, "…")
    .replace(/(auth_?token|bearer)([=:\s]+)\S+/gi, "$1$2…")
    .slice(0, 300);
}
