import { record } from "../records.ts";
import { versionOf } from "../version.ts";

export async function GET() {
  return new Response(`${JSON.stringify({ version: versionOf(await record("meta")) })}\n`);
}
