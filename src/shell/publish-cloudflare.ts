// Cloudflare Pages, by its own program: it holds the protocol, we hold none of it.
import { spawn } from "node:child_process";
import { outside } from "../errors.ts";

type Env = Readonly<Record<string, string | undefined>>;

const wrangler = "wrangler@4.164.0";
const limit = 180_000;
/** The program gets these and no other secret of the tick. */
const needed = ["CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID"];
const passed = [...needed, "PATH", "HOME", "TMPDIR", "HTTPS_PROXY", "NO_PROXY", "npm_config_registry"];

/** `npx wrangler pages deploy`: what the site's folder holds becomes the project's newest deployment. */
export async function cloudflare(env: Env, folder: string, project: string, branch: string): Promise<void> {
  const missing = needed.filter((name) => !env[name]);
  if (missing.length > 0)
    throw outside(
      `the site cannot be published to Cloudflare: ${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} not set`,
      "make a token with the right `Cloudflare Pages: Edit`, and hand both to the tick",
    );
  const args = ["--yes", wrangler, "pages", "deploy", folder];
  const child = spawn("npx", [...args, `--project-name=${project}`, `--branch=${branch}`, "--commit-dirty=true"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: limit,
    killSignal: "SIGKILL",
    env: {
      ...Object.fromEntries(passed.flatMap((name) => (env[name] ? [[name, env[name]]] : []))),
      CI: "1",
      NO_COLOR: "1",
      WRANGLER_SEND_METRICS: "false",
    },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString("utf8")).slice(-8192);
    });
  const code = await new Promise<number | null>((done) => {
    child.on("error", () => done(null));
    child.on("close", done);
  });
  if (code === 0) return;
  const why = said.split("\n").find((line) => /error|✘/i.test(line)) ?? said.trim().split("\n").at(-1);
  throw outside(`the site could not be published to Cloudflare: ${why?.trim() || "npx did not run"}`);
}
