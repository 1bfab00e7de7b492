// The pollers, in one table. None is loaded before a pack asks for it.
import type { Settings, pollers as schema } from "../core/schema.ts";
import type { Poller } from "../ports.ts";

export interface PollerOptions {
  /** Where tokens are looked up, by the name that the settings give. */
  env: Readonly<Record<string, string | undefined>>;
  /** Address of the pack's `origin`, or null. */
  origin(): Promise<string | null>;
}

type Load = (options: PollerOptions) => Promise<Poller>;

const variants = {
  github: async (options) => (await import("./github.ts")).github(options),
  calendar: async (options) => (await import("./calendar.ts")).calendar(options),
  http: async (options) => (await import("./http.ts")).http(options),
  repo: async () => (await import("./repo.ts")).repo(),
} satisfies Record<keyof typeof schema.shape, Load>;

/** The sources that settings name, each made once: it remembers that it was asked to wait. */
export function createPollers(options: PollerOptions): (settings: Settings) => Poller[] {
  const made = new Map<string, Promise<Poller>>();
  return (settings) =>
    (Object.keys(variants) as (keyof typeof variants)[])
      .filter((name) => settings.pollers[name] !== undefined)
      .map((name) => ({
        name,
        poll: async (...given) => {
          const poller = made.get(name) ?? variants[name](options);
          made.set(name, poller);
          return (await poller).poll(...given);
        },
      }));
}
