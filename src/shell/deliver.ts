// Brings a built site to where `site.publish` says. What a private repository holds goes nowhere public unless somebody said so.
import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import type { Entry } from "../core/entry.ts";
import { type PublishWay, publish_ways, publishWay } from "../core/publish-way.ts";
import type { Settings } from "../core/schema.ts";
import { configuration } from "../errors.ts";
import type { Connection } from "../ports.ts";

type Env = Readonly<Record<string, string | undefined>>;

export interface DeliverPorts {
  dir: string;
  env: Env;
  hosts: ReadonlyMap<string, Entry<"host">>;
  connect(host: Entry<"host">): Promise<Connection>;
  /** Somebody said so on the command line. */
  open?: boolean | undefined;
}

/** Where the settings want it. Throws a configuration Fault for what is no way. */
export function wayOf(site: Settings["site"]): PublishWay {
  const way = publishWay(site?.publish);
  if (way) return way;
  throw configuration(`site.publish: \`${site?.publish}\` is not known`, `write ${publish_ways}`);
}

/** Throws before anything is built: the dashboard would show a private repository to everybody. */
export async function refuseOpen(site: NonNullable<Settings["site"]>, way: PublishWay, ports: DeliverPorts) {
  if (site.private || site.public || ports.open || way.to === "dir") return;
  const { visibilityOf } = await import("./visibility.ts");
  const found = await visibilityOf(ports.dir, ports.env);
  if (found === "public" || found === "nowhere") return;
  throw configuration(
    found === "private"
      ? "the repository is private, and its dashboard would be public"
      : "the forge does not say whether the repository is private, and its dashboard would be public",
    "set `site: {private: true}` to encrypt it, or `site: {public: true}` when everybody may read it",
  );
}

/** `pages` is delivered by the workflow's second job, which alone holds the right to. */
export async function deliver(way: PublishWay, folder: string, ports: DeliverPorts): Promise<void> {
  switch (way.to) {
    case "pages":
      return;
    case "branch":
      return (await import("./publish-branch.ts")).pushFolder(ports.dir, ports.env, folder, way.branch);
    case "dir":
      return mirror(folder, resolve(ports.dir, way.dir));
    case "cloudflare":
      return (await import("./publish-cloudflare.ts")).cloudflare(ports.env, folder, way.project, way.branch);
    case "ssh":
      return send(way, folder, ports);
  }
}

/** The folder itself stays: it may be a mount, or be served right now. What an older site left there goes, hidden names stay. */
async function mirror(folder: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const before = await readdir(target);
  if (before.some((name) => !name.startsWith(".")) && !before.includes("index.html"))
    throw configuration(`${target} is not empty and holds no site`, "name an empty folder in `site.publish`");
  await cp(folder, target, { recursive: true });
  const wanted = new Set(await readdir(folder, { recursive: true }));
  for (const name of await readdir(target, { recursive: true }))
    if (!wanted.has(name) && !name.split(sep).some((part) => part.startsWith(".")))
      await rm(join(target, name), { recursive: true, force: true });
}

async function send({ host: name, path }: PublishWay & { to: "ssh" }, folder: string, ports: DeliverPorts) {
  const host = ports.hosts.get(name);
  if (!host)
    throw configuration(
      `site.publish names the host \`${name}\`, and there is no hosts/${name}.md`,
      `add it, or write one of ${[...ports.hosts.keys()].slice(0, 5).join(", ") || "the pack's hosts"}`,
    );
  const { sendFolder } = await import("./publish-ssh.ts");
  const connection = await ports.connect(host);
  try {
    await sendFolder(connection, name, path, folder);
  } finally {
    connection.close();
  }
}
