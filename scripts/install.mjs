// What `npm start` and `npm test` share: bring node_modules in step with the lockfile, then run tools from it.
// No dependencies, and plain enough for node 20: at this point nothing has been installed yet.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { restore } from "./pack.mjs";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const bin = join(root, "node_modules", ".bin");
const wanted = 24;

/** @param {string} line */
export const say = (line) => void process.stderr.write(`${line}\n`);

/** @param {string} path */
function json(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}

/**
 * Why node_modules does not hold what the lockfile asks for, or null when it does.
 * npm leaves its own account of what it installed in node_modules/.package-lock.json.
 * @param {{dev: boolean}} options
 */
export function stale({ dev }, folder = root) {
  const lock = json(join(folder, "package-lock.json"));
  const installed = json(join(folder, "node_modules", ".package-lock.json"));
  if (!lock) return "there is no package-lock.json";
  if (!installed) return "nothing is installed yet";
  const pinned = `node_modules/node-${process.platform}-${process.arch}`;
  for (const [path, entry] of Object.entries(lock.packages ?? {})) {
    if (path === "" || entry.link) continue;
    // Optional packages belong to other platforms, except the node that this one is pinned to.
    if (entry.peer || ((entry.optional || entry.devOptional) && path !== pinned) || (entry.dev && !dev)) continue;
    const there = installed.packages?.[path];
    if (!there) return `${path} is missing`;
    if (there.version !== entry.version) return `${path} is ${there.version}, wanted ${entry.version}`;
  }
  return null;
}

/**
 * Runs a program with node_modules/.bin first in PATH. Resolves with its exit code (128 + n after a signal).
 * @param {string} program
 * @param {string[]} args
 * @param {{stdio?: import("node:child_process").StdioOptions, env?: Record<string, string | undefined>, cwd?: string}} [options]
 * @returns {Promise<number>}
 */
export function run(program, args, options = {}) {
  const env = { ...process.env, ...options.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: options.cwd ?? root, stdio: options.stdio ?? "inherit", env });
    // Ctrl-C reaches the child by itself; we only have to outlive it.
    const wait = () => {};
    process.on("SIGINT", wait);
    const pass = () => child.kill("SIGTERM");
    process.on("SIGTERM", pass);
    child.on("error", (error) => {
      say(`towline: cannot run ${program}: ${error.message}`);
      resolve(127);
    });
    child.on("close", (code, signal) => {
      process.off("SIGINT", wait);
      process.off("SIGTERM", pass);
      resolve(code ?? (signal === "SIGINT" ? 130 : 143));
    });
  });
}

/** `npm ci` when needed. All of npm's output goes to stderr: stdout belongs to the verb that follows. */
export async function install({ dev = true } = {}) {
  if (restore(root)) say("towline: put package.json back, which a failed npm pack had left stripped");
  const why = stale({ dev });
  if (why) {
    const started = Date.now();
    say(`towline: installing (npm ci): ${why}`);
    const npm = process.env.npm_execpath;
    const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
    const stdio = /** @type {const} */ (["ignore", 2, 2]);
    const code = npm
      ? await run(process.execPath, [npm, ...args], { stdio: [...stdio] })
      : await run("npm", args, { stdio: [...stdio] });
    if (code !== 0) {
      say("towline: npm ci failed. It needs the npm registry once; after that nothing here uses the network.");
      process.exit(4);
    }
    say(`towline: installed in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  }
  if (!existsSync(join(bin, "node")) && Number(process.versions.node.split(".")[0]) < wanted) {
    say(`towline: needs node >= ${wanted}, this is ${process.versions.node}, and there is no pinned one for`);
    say(`  ${process.platform} ${process.arch}. Install node ${wanted} and run the same command again.`);
    process.exit(3);
  }
}
