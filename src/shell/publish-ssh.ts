// The dashboard onto a host of the pack, over the connection that its record describes, with its pinned key.
import { spawn } from "node:child_process";
import { outside } from "../errors.ts";
import type { Connection } from "../ports.ts";

/** Milliseconds for all of it. */
const limit = 120_000;

/**
 * Beside the place first, then swapped in. A folder with something else in it than a site is left alone. What the place
 * is called was checked by `publishWay`: no quote is in it.
 */
const script = (path: string) => `set -eu
new='${path}.towline-new'; old='${path}.towline-old'
if [ -d '${path}' ] && [ ! -f '${path}/index.html' ] && [ -n "$(ls -A '${path}')" ]; then
  echo "${path} is not empty and holds no site" >&2; exit 9
fi
rm -rf "$new" "$old"; mkdir -p "$new"
tar -xf - -C "$new"
[ -f "$new/index.html" ] || { echo "not all of the site arrived" >&2; exit 9; }
if [ -d '${path}' ]; then mv '${path}' "$old"; fi
mv "$new" '${path}'
rm -rf "$old"
echo towline-done`;

/** Replaces the folder `path` on the host by the files of `folder`. */
export async function sendFolder(connection: Connection, host: string, path: string, folder: string): Promise<void> {
  const pipe = await connection.exec(`sh -c '${script(path).replaceAll("'", `'\\''`)}'`);
  const timer = setTimeout(() => pipe.kill(), limit);
  const tar = spawn("tar", ["-cf", "-", "-C", folder, "."], { stdio: ["ignore", "pipe", "pipe"] });
  const packed = new Promise<number | null>((done) => {
    tar.on("error", () => done(null));
    tar.on("close", done);
  });
  try {
    for await (const chunk of tar.stdout) pipe.stdin.write(chunk as Uint8Array);
    const code = await packed;
    // Half a tar at its end would be unpacked as if it were whole.
    if (code !== 0) throw outside("the site could not be packed", "the program `tar` is needed on this machine");
    pipe.stdin.end();
    let said = "";
    for await (const chunk of pipe.stdout) said = (said + Buffer.from(chunk).toString("utf8")).slice(-1024);
    if ((await pipe.closed) === 0 && said.trim().endsWith("towline-done")) return;
    const why = pipe.stderr().trim().split("\n").at(-1) || "the connection broke";
    throw outside(
      `the site could not be put to ${host}:${path}: ${why}`,
      `the user of hosts/${host}.md must be able to write there, with a login that is not limited to towline's gate`,
    );
  } finally {
    clearTimeout(timer);
    tar.kill();
    pipe.kill();
  }
}
