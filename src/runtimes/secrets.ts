// Secrets of a run: what the agent's record names under `env` becomes the run's environment and leaves no file behind.
import type { Assignment } from "../ports.ts";

/** One file for each secret, for `files` and `secret` of a launch. */
export function secretFiles({ secrets }: Assignment): { files: Record<string, string>; secret: string[] } {
  const files = Object.fromEntries(Object.entries(secrets).map(([name, value]) => [`secrets/${name}`, value]));
  return { files, secret: Object.keys(files) };
}

/** The beginning of a command: reads the files into the environment and removes them. Costs no process without any. */
export const export_secrets = `for secret in secrets/*; do
  [ -f "$secret" ] || continue
  export "\${secret#secrets/}=$(cat "$secret")"
  rm -f "$secret"
done`;
