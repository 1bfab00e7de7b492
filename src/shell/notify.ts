// Sends what this tick has taken on itself. Once: no redirect is followed, and what fails is said, not tried again.
import { messageOf, type Sendable, sendable } from "../core/notices.ts";
import type { Channel } from "../core/schema.ts";
import type { State } from "../core/state.ts";
import { oneLine } from "../core/text.ts";
import { messageOf as faultOf } from "../errors.ts";
import { type Parcel, sendSource } from "../pollers/fetch.ts";

export interface NotifyPorts {
  env: Readonly<Record<string, string | undefined>>;
  /** Makes a variable's value known as a secret before it is used. */
  secret(name: string): string | undefined;
  mask(text: string): string;
  signal?: AbortSignal | undefined;
}

/** Slack reads these as markup: `<!channel>` calls everybody. */
const slackText = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function parcelOf({ kind }: Channel, pack: string, { key, notices }: Sendable, mask: (text: string) => string): Parcel {
  const text = mask(messageOf(pack, notices));
  const same = { method: "POST", key } as const;
  if (kind === "ntfy") return { ...same, type: "text/plain; charset=utf-8", text };
  const rows = notices.map(({ tick: _, channel: __, ...row }) => ({
    ...row,
    ...{ text: mask(row.text), subject: mask(row.subject), url: row.url && mask(row.url) },
  }));
  const body = kind === "slack" ? { text: slackText(text) } : { id: key, pack, text, notices: rows };
  return { ...same, type: "application/json", text: JSON.stringify(body) };
}

export async function sendNotices(
  ports: NotifyPorts,
  state: State,
  tick: string,
): Promise<{ degraded?: string; note?: string }> {
  const faults: string[] = [];
  const all = sendable(state, tick);
  await Promise.all(
    all.map(async (one) => {
      const channel = state.settings.notify?.channels[one.channel];
      if (!channel) return;
      try {
        const named = [channel.url, ...Object.values(channel.headers ?? {})].filter((at) => at.startsWith("env:"));
        for (const name of [channel.token ?? "", ...named.map((at) => at.slice(4))]) if (name) ports.secret(name);
        const source = { ...channel, name: one.channel, every: 0 };
        const parcel = parcelOf(channel, state.settings.name, one, ports.mask);
        await sendSource(
          source,
          { env: ports.env, accept: "*/*", ...(ports.signal && { signal: ports.signal }) },
          parcel,
        );
      } catch (thrown) {
        faults.push(`${one.channel}: ${ports.mask(oneLine(faultOf(thrown), 200))}`);
      }
    }),
  );
  if (faults.length > 0) return { degraded: faults.sort().join("; ") };
  return all.length > 0 ? { note: `${all.length} sent` } : {};
}
