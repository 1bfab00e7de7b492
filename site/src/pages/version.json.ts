import { record } from "../records.ts";
import { versionOf } from "../version.ts";

/** `tick`: when the newest tick came; whoever serves the site where ticks run may tell of later ones. */
export async function GET() {
  return new Response(
    `${JSON.stringify({ version: versionOf(await record("meta")), tick: (await record("home")).beat?.at })}\n`,
  );
}
