// Debian's packages that some suites need, installed without starting any service.
import { accessSync, chmodSync, constants, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { run, say } from "./install.mjs";

const policy = "/usr/sbin/policy-rc.d";
const suitePackages = [
  { name: "bash", programs: ["bash"] },
  { name: "busybox", programs: ["busybox"] },
  { name: "gawk", programs: ["gawk"] },
  { name: "mawk", programs: ["mawk"] },
  { name: "curl", programs: ["curl"] },
  { name: "openssl", programs: ["openssl"] },
  { name: "wget", programs: ["wget"] },
  { name: "fish", programs: ["fish"] },
  { name: "openssh-server", programs: ["sshd"] },
  { name: "openssh-client", programs: ["ssh"] },
  { name: "dropbear-bin", programs: ["dropbear"] },
  { name: "sudo", programs: ["sudo"] },
  { name: "iproute2", programs: ["ip"] },
  { name: "iptables", programs: ["iptables"] },
  { name: "tmux", programs: ["tmux"] },
  { name: "chromium", programs: ["chromium", "chromium-browser", "google-chrome"] },
];
export const benchPackages = [
  { name: "openssh-server", programs: ["sshd"] },
  { name: "pdsh", programs: ["pdsh"] },
  { name: "clustershell", programs: ["clush"] },
  { name: "pssh", programs: ["parallel-ssh"] },
  { name: "ansible-core", programs: ["ansible-playbook"] },
];

/** @param {string} program */
function found(program) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * The wanted packages of which no program is there.
 * @param {typeof suitePackages} wanted
 */
const missing = (wanted) => wanted.filter((one) => !one.programs.some(found)).map((one) => one.name);

/** Installs what is missing. Never fails the caller: what stays away is skipped by what needs it, with the reason said here. */
export async function installPackages(wanted = suitePackages) {
  const names = missing(wanted);
  if (names.length === 0) return;
  const list = names.join(" ");
  if (!found("apt-get"))
    return say(`towline: no apt-get here, so ${list} must be installed by hand; what needs it is skipped`);
  const root = process.getuid?.() === 0;
  if (!root && (!found("sudo") || (await run("sudo", ["-n", "true"], { stdio: "ignore" })) !== 0))
    return say(`towline: not root and no sudo without a password, so ${list} stays away; what needs it is skipped`);
  say(`towline: installing Debian packages: ${list}`);
  const code = await withoutServices(root, (admin) => apt(admin, names));
  const away = missing(wanted);
  if (code !== 0 || away.length > 0)
    say(`towline: apt-get could not install ${away.join(" ")}; what needs it is skipped`);
}

/** @typedef {(program: string, args: string[]) => Promise<number>} Admin */

/** @param {Admin} admin @param {string[]} names */
async function apt(admin, names) {
  const quiet = ["-qq", "-o", "Dpkg::Use-Pty=0"];
  const code = await admin("apt-get", [...quiet, "update"]);
  if (code !== 0) return code;
  return admin("env", [
    "DEBIAN_FRONTEND=noninteractive",
    "apt-get",
    ...quiet,
    "install",
    "-y",
    "--no-install-recommends",
    ...names,
  ]);
}

/**
 * Debian asks policy-rc.d before it starts a service; 101 forbids. A file that is there already stays as it is.
 * @param {boolean} root
 * @param {(admin: Admin) => Promise<number>} work
 */
async function withoutServices(root, work) {
  /** @type {Admin} */
  const admin = (program, args) =>
    run(root ? program : "sudo", root ? args : ["-n", program, ...args], { stdio: ["ignore", "ignore", 2] });
  if (existsSync(policy)) return work(admin);
  const folder = mkdtempSync(join(tmpdir(), "towline-policy-"));
  const file = join(folder, "policy-rc.d");
  writeFileSync(file, "#!/bin/sh\nexit 101\n");
  chmodSync(file, 0o755);
  try {
    if ((await admin("install", ["-m", "755", file, policy])) !== 0) return 1;
    return await work(admin);
  } finally {
    await admin("rm", ["-f", policy]);
    rmSync(folder, { recursive: true, force: true });
  }
}
