// What a machine is, as a look at it before enrolment found it, and what it can be used for.

export interface Survey {
  /** `uname -s` and `uname -m`. */
  system: string;
  machine: string;
  /** Of its programs: a 64-bit kernel may run a 32-bit system. 0: not known. */
  bits: number;
  user: string;
  proc: boolean;
  home: boolean;
  sudo: boolean;
  missing: string[];
  /** `ID` and `ID_LIKE` of /etc/os-release. */
  family: string[];
}

/** null: the shell there did not run the script to its end. */
export function readSurvey(text: string): Survey | null {
  const lines = text
    .split("\n")
    .filter((line) => line.startsWith("towline-survey "))
    .map((line) => line.slice(15).trim());
  if (!lines.includes("begin") || lines.at(-1) !== "end") return null;
  const of = (key: string) =>
    lines
      .find((line) => line.startsWith(`${key} `))
      ?.slice(key.length + 1)
      .replace(/[^\x20-\x7e]/g, "")
      .trim()
      .slice(0, 200) ?? "";
  const words = (key: string) => of(key).replaceAll('"', "").split(/\s+/).filter(Boolean);
  return {
    system: of("system"),
    machine: of("machine"),
    bits: Number(/^\d{1,3}$/.exec(of("bits"))?.[0] ?? 0),
    user: of("user"),
    proc: of("proc") === "yes",
    home: of("home") === "yes",
    sudo: of("sudo") !== "",
    missing: words("missing").filter((word) => /^[a-z0-9]{1,20}$/.test(word)),
    family: words("family"),
  };
}

/** Why no work can be done on such a machine at all, and what to do; null: it can. */
export function unfit({ system, machine, proc, home }: Survey): { message: string; advice: string } | null {
  if (system === "Darwin")
    return {
      message: `is a Mac (${machine}): macOS has no setsid and no /proc, so a run there could not be held on to or ended for sure, and none is started`,
      advice:
        "towline itself works on a Mac (tick, watch, plan, fleet …), agents do not: give it a Linux machine, or a Linux VM on that Mac, as a host",
    };
  if (system !== "Linux")
    return {
      message: `runs ${system || "an unknown system"}: only Linux machines do work`,
      advice: "give it a Linux machine, or a Linux VM there",
    };
  if (!proc)
    return {
      message: "shows no /proc: no run could be watched there",
      advice: "mount /proc for that user, and enrol again",
    };
  if (!home)
    return {
      message: "gives that user no home folder",
      advice: "make the folder that /etc/passwd names and give it to the user",
    };
  return null;
}

const of_tool: Record<string, { debian: string; alpine: string }> = {
  setsid: { debian: "util-linux", alpine: "util-linux-misc" },
  grep: { debian: "grep", alpine: "grep" },
  sed: { debian: "sed", alpine: "sed" },
};
const coreutils = { debian: "coreutils", alpine: "coreutils" };

/** The line that brings these tools there, or both lines where the system is not known. */
export function installLine(tools: string[], family: string[]): string {
  const packages = (system: "debian" | "alpine") =>
    [...new Set(tools.map((tool) => (of_tool[tool] ?? coreutils)[system]))].join(" ");
  const debian = `apt-get install ${packages("debian")}`;
  const alpine = `apk add ${packages("alpine")}`;
  if (family.includes("debian") || family.includes("ubuntu")) return debian;
  if (family.includes("alpine")) return alpine;
  return `Debian: ${debian} · Alpine: ${alpine}`;
}

/** What does not work on a machine that is fit, in words for people. */
export function limits({ machine, bits, missing, family }: Survey): string[] {
  const said: string[] = [];
  const arm = /^(armv[5-8]|arm)/.test(machine) || (machine === "aarch64" && bits === 32);
  if (arm)
    said.push(
      `32-bit ARM (${machine}): shell, picoclaw and models elsewhere work there; claude and codex have no build for it, and towline itself does not run on it (nor need it)`,
    );
  else if (bits === 32 || /^i[3-6]86$/.test(machine))
    said.push(`a 32-bit system (${machine}): shell works there; claude and codex have no build for it`);
  if (missing.includes("timeout"))
    said.push(`it has no \`timeout\`: a watch of ours ends runs instead (${installLine(["timeout"], family)})`);
  return said;
}
