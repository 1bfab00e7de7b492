// Variables that pollers read: what they are allowed with, and addresses that are secrets by themselves.
import type { Settings } from "./schema.ts";

export interface PollerKey {
  /** As settings have it: `http.alerts`. */
  source: string;
  variable: string;
}

export function pollerKeys({ pollers }: Settings): PollerKey[] {
  const lists = [
    ...(pollers.http ?? []).map((one) => ({ ...one, poller: "http" })),
    ...(pollers.calendar ?? []).map((one) => ({ ...one, poller: "calendar" })),
  ];
  return [
    ...(pollers.github ? [{ source: "github", variable: pollers.github.token }] : []),
    ...lists.flatMap(({ poller, name, token, headers, url }) =>
      [
        token,
        ...[url, ...Object.values(headers ?? {})].map((place) => (place?.startsWith("env:") ? place.slice(4) : null)),
      ]
        .filter((variable) => typeof variable === "string")
        .map((variable) => ({ source: `${poller}.${name}`, variable })),
    ),
  ];
}
