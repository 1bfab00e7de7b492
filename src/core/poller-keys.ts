// Variables that pollers read: what they are allowed with, and addresses that are secrets by themselves.
import type { Settings } from "./schema.ts";

export interface PollerKey {
  /** As settings have it: `http.alerts`. */
  source: string;
  variable: string;
}

export function pollerKeys({ pollers, plugins }: Settings): PollerKey[] {
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
    ...Object.entries(plugins).flatMap(([name, own]) =>
      own.off ? [] : variablesOf(own).map((variable) => ({ source: `plugins.${name}`, variable })),
    ),
  ];
}

/** Of a plugin's settings: addresses and headers as env:NAME, what it may see, and tokens by the names that they go by. */
function variablesOf(own: Settings["plugins"][string]): string[] {
  const named = Object.entries(own).flatMap(([key, value]) =>
    [value].flat().flatMap((one) => {
      if (typeof one !== "string") return [];
      if (one.startsWith("env:")) return [one.slice(4)];
      return key === "secrets" || /(^|_)(token|key|secret|password)$/.test(key) ? [one] : [];
    }),
  );
  return [...new Set(named.filter((one) => /^[A-Z][A-Z0-9_]*$/.test(one)))];
}
