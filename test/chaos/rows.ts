// The faults of SSH and of hosts, D1 to D42, what must happen, and the tests that show it. `rows.test.ts` sees to it that
// each of them is there. A name may be the beginning of a test's name, or the key of a case in a table of cases.

export interface Row {
  id: string;
  fault: string;
  must: string;
  /** Test file → names in it. */
  shown: Record<string, string[]>;
}

const contract = "test/transports/contract.test.ts"; // runs on hosts of three shells and three SSH servers, by two clients
const login = "test/transports/ssh.test.ts";
const system = "test/transports/openssh.test.ts"; // the system's own client
const frames = "test/remote/frame.test.ts";
const program = "test/remote/host.test.ts";
const names = "test/integration/hosts.test.ts";
const output = "test/integration/output.test.ts"; // task files over real SSH into the records
const logins = "test/integration/logins.test.ts";
const hostile = "test/integration/hostile.test.ts"; // servers of ours that answer as no host program would
const seeds = "test/integration/seeds.test.ts";
const spoiled = "test/remote/spoiled.test.ts"; // under three shells
const clock = "test/remote/clock.test.ts";
const full = "test/remote/full.test.ts";
const deploy = "test/fleet/deploy.test.ts";
const collect = "test/integration/collect.test.ts";
const lab = "test/chaos/hosts.test.ts";
const kills = "test/chaos/crash.test.ts";
const ticks = "test/tick/tick.test.ts";

const troubles = "each trouble before and while a job runs";
const limits = "what ran into its limit is gone ten seconds later";
const every_step = "every step × ";

export const rows: Row[] = [
  {
    id: "D1",
    fault: "unknown host key",
    must: "refused; the host is marked; the job is not started",
    shown: {
      [login]: ["an unknown key is refused and shown"],
      [logins]: ["an unknown key and a changed one: marked, nothing starts there, the others go on; mended, they work"],
    },
  },
  {
    id: "D2",
    fault: "host key changed",
    must: "refused, loudly; the host is out of rotation until a person changes its record",
    shown: {
      [login]: ["a changed key is refused, and both are shown"],
      [logins]: ["an unknown key and a changed one: marked, nothing starts there, the others go on; mended, they work"],
      [system]: ["another key than the pinned one is refused, and both are shown"],
    },
  },
  {
    id: "D3",
    fault: "login refused, key revoked",
    must: "the host is marked; a job goes elsewhere only if it was never started",
    shown: {
      [login]: ["a login that is not allowed is refused"],
      [logins]: ["a key that is revoked: work goes elsewhere only if it never started"],
    },
  },
  {
    id: "D4",
    fault: "port closed",
    must: "unreachable; the others go on",
    shown: { [login]: ["a closed port and a silent one are unreachable, in time"], [lab]: [troubles, "refusing (D4)"] },
  },
  {
    id: "D5",
    fault: "black hole on connect",
    must: "ends at the connection's time limit",
    shown: {
      [login]: ["a closed port and a silent one are unreachable, in time"],
      [lab]: [troubles, "silent (D5, D6)", "frozen (D5)"],
    },
  },
  {
    id: "D6",
    fault: "half-open in the middle of a run",
    must: "noticed within 15 s; the job is unknown, collected later, not started again",
    shown: {
      [login]: ["logins that are turned away at first are tried again; a network that falls silent is noticed"],
      [lab]: [troubles, "silent (D5, D6)", "unplugged (D6)"],
    },
  },
  {
    id: "D7",
    fault: "too many logins at once (MaxStartups)",
    must: "one connection a host; tried again only before anything was sent",
    shown: {
      [login]: ["logins that are turned away at first are tried again; a network that falls silent is noticed"],
      [logins]: [
        "a server that takes two logins at a time: sixteen at once all get in",
        "a tick logs in once to a machine, however much it has to do there",
      ],
      [ticks]: ["a start whose answer was lost is found running and not started again"],
    },
  },
  {
    id: "D8",
    fault: "exit 255 from three causes",
    must: "the verdict comes from the frame and the host's journal only",
    shown: {
      [output]: ["exit-255"],
      [logins]: ["255 means nothing: a session, a host program or an agent that ends with it"],
      [contract]: ["goes on when the connection is gone"],
    },
  },
  {
    id: "D9",
    fault: "the agent itself exits with 124 or 137",
    must: "not taken for our deadline",
    shown: {
      [output]: ["exit-124", "exit-137", "kills-itself"],
      [contract]: ["keeps what was written until the deadline, and tells it from an agent's own 124"],
    },
  },
  {
    id: "D10",
    fault: "agent ignores TERM",
    must: "KILL after the grace; its whole group is gone",
    shown: {
      [contract]: ["ends an agent that ignores TERM, with its whole group"],
      [output]: ["stubborn"],
      [lab]: [limits],
    },
  },
  {
    id: "D11",
    fault: "agent forks twice, its child holds stdout",
    must: "our call returns in time; the child is ended",
    shown: {
      [contract]: ["is not held up by a child that left the group and holds stdout"],
      [output]: ["escaped", "a child that left the group and held stdout is gone"],
      [lab]: [limits],
    },
  },
  {
    id: "D12",
    fault: "our client dies",
    must: "the run ends by its own deadline; its result waits",
    shown: {
      [contract]: ["goes on when the connection is gone"],
      "test/integration/killed.test.ts": ["every job runs once, and all is recorded in the end"],
      "test/integration/signals.test.ts": ["a tick that waits for a job gives its claim's record and goes"],
      [kills]: [every_step],
    },
  },
  {
    id: "D13",
    fault: "host restarts in the middle of a run",
    must: "its boot id differs: the job is lost, with what it wrote; the task's policy decides",
    shown: {
      [contract]: ["a run from before a reboot is died", "after a restart the journal counts"],
      [lab]: [troubles, "restarted (D13)"],
    },
  },
  {
    id: "D14",
    fault: "host set up anew, same key, empty journal",
    must: "no work for it until it is enrolled again",
    shown: {
      [names]: ["set up anew: no work for it until enroll --replace"],
      [ticks]: ["another machine under the same name cannot say that a job was never started"],
    },
  },
  {
    id: "D15",
    fault: "process id used again, zombie",
    must: "a process is its id, its birth and the boot",
    shown: {
      "test/remote/previous.test.ts": [
        "a process id that another process has now",
        "a process that is dead and not yet reaped",
      ],
    },
  },
  {
    id: "D16",
    fault: "1 GB on stdout",
    must: "capped on the host; head and tail kept, size and hash noted; memory stays flat",
    shown: {
      "test/integration/flood.test.ts": ["floods, "],
      [contract]: ["keeps head and tail of long streams, and the size and hash of all"],
    },
  },
  {
    id: "D17",
    fault: "binary, NUL, invalid UTF-8, ANSI, OSC links",
    must: "stored neutral; breaks neither record nor terminal",
    shown: {
      [output]: [
        "any-bytes",
        "not-utf8",
        "nul-byte",
        "ansi",
        "hidden",
        "no record holds a control character, a sequence or a live heading of a run",
      ],
    },
  },
  {
    id: "D18",
    fault: "one line of 100 MB without an end",
    must: "as D16",
    shown: { [output]: ["long-line"], "test/fuzz/frames.test.ts": ["a line of 100 MB is given up early"] },
  },
  {
    id: "D19",
    fault: "drip: a byte now and then, for ever",
    must: "the deadline by the wall wins",
    shown: { [output]: ["drip"] },
  },
  {
    id: "D20",
    fault: "nothing on stdout, exit 0",
    must: "`empty` for a model, not success; fine for a script",
    shown: {
      "test/runtimes/contract.test.ts": ["nothing said with exit 0: fine for a script, `empty` for a model"],
      [output]: ["silent"],
    },
  },
  {
    id: "D21",
    fault: "output that imitates our frames or frontmatter",
    must: "content cannot forge: the frame has a nonce and a length",
    shown: {
      [contract]: ["carries any bytes, and what looks like its own frames"],
      [output]: ["forged-frame", "forged-record"],
      [frames]: ["may hold what looks like frames"],
    },
  },
  {
    id: "D22",
    fault: "banner, motd, noise of a profile on stdout",
    must: "skipped",
    shown: { [login]: ["what login scripts print is skipped"], [output]: ["noisy"] },
  },
  {
    id: "D23",
    fault: "odd login shell, forced command, no `timeout`, busybox",
    must: "served, or refused with its name",
    shown: {
      [output]: ["login shells of every kind are served, and one that allows nothing is named"],
      "test/transports/places.ts": ["this machine under busybox ash", "this machine under bash"],
    },
  },
  {
    id: "D24",
    fault: "ssh eats the input of whoever calls",
    must: "a loop over hosts asks all of them",
    shown: {
      [seeds]: ["a shell's loop over hosts keeps its own input: every host is asked"],
      "test/integration/ways.test.ts": ["what stands on the caller's standard input is left to the caller"],
    },
  },
  {
    id: "D25",
    fault: "task text of 1 MB, quotes, newlines, a leading dash",
    must: "by stdin, byte by byte",
    shown: {
      [output]: ["a script of a megabyte, and one that begins with a dash, arrive byte by byte"],
      [contract]: ["delivers files byte by byte, and removes the secret ones at the end"],
    },
  },
  {
    id: "D26",
    fault: "secret on a command line",
    must: "no secret in any argv, on either side",
    shown: {
      "test/secrets/argv.test.ts": ["none holds a secret, as an outside watcher and the run itself see them"],
      [program]: ["no text of a job stands on any command line"],
    },
  },
  {
    id: "D27",
    fault: "stale or dead multiplex socket; its path too long",
    must: "each command logs in by itself",
    shown: { [system]: ["a master that was killed, a socket that is stale, a path that is too long"] },
  },
  {
    id: "D28",
    fault: "the host's clock is off by days",
    must: "durations and limits come from the uptime; the skew is shown; what is due next goes by our clock",
    shown: {
      [clock]: [
        "ahead by %i s: shown, and neither limits nor durations mind",
        "a tick over such a host: done, with a duration that is none of the calendar's",
      ],
      "test/core/host-time.test.ts": ["days ahead", "put right meanwhile"],
    },
  },
  {
    id: "D29",
    fault: "two names in the inventory, one machine",
    must: "one of them works, the other is refused",
    shown: { [names]: ["one machine under two names: one of them works, the other is refused"] },
  },
  {
    id: "D30",
    fault: "host removed from the inventory while it works",
    must: "still collected; no new work",
    shown: { [names]: ["%s while a job runs: it is collected, by a runner with an empty disk", "removed"] },
  },
  {
    id: "D31",
    fault: "agent missing, for another machine, in another version",
    must: "the host is not ready; installed when asked; no success that is none",
    shown: {
      [deploy]: [
        "installs, configures, pins, and has nothing to do the second time",
        "goes to another version and back, by the record as by the disk",
        "refuses what is not as pinned, and what cannot be run there; what was there goes on",
      ],
      "test/runtimes/contract.test.ts": ["without the binary: a clear message"],
    },
  },
  {
    id: "D32",
    fault: "what was downloaded has another digest",
    must: "refused; the old program is kept",
    shown: {
      "test/fleet/release.test.ts": ["with a wrong digest, with none, or with two that differ is refused"],
      "test/fleet/put.test.ts": ["are refused when they were altered on the way, and the old one stays"],
    },
  },
  {
    id: "D33",
    fault: "two jobs on one host share their folder",
    must: "a folder for each run",
    shown: { [contract]: ["runs at the same time each have a folder of their own, and see nothing of each other's"] },
  },
  {
    id: "D34",
    fault: "the host's disk is full, at each step",
    must: "the start is refused, or the result says so with what there is",
    shown: {
      [full]: ["with ", "no room for the host program, and none for an acknowledgement"],
      [program]: ["on a full disk nothing is started and nothing breaks"],
    },
  },
  {
    id: "D35",
    fault: "supervisor killed, its agent alive",
    must: "found when collecting; ended; never doubled",
    shown: {
      [contract]: ["a run whose supervisor was killed is died, with what it wrote, and is not left running"],
      [kills]: [every_step],
    },
  },
  {
    id: "D36",
    fault: "a result collected by two ticks",
    must: "the same bytes, one record",
    shown: { [collect]: ["by two at once: one record, the same bytes for both, nothing more to write"] },
  },
  {
    id: "D37",
    fault: "crash between the record on main and the clean-up on the host",
    must: "the clean-up is repeated; the result is kept until it was seen on main",
    shown: {
      [kills]: [every_step],
      [collect]: ["by another runner with an empty disk; the acknowledgement of it needs no commit"],
      [ticks]: ["results are acknowledged only once they stand in the commit that was read"],
    },
  },
  {
    id: "D38",
    fault: "host away for days",
    must: "unknown, then lost at the limit; a late result is still the same job's",
    shown: {
      [ticks]: [
        "a host that stays away loses the job at the limit",
        "the late result of a lost job makes its task done and closes its memo",
        "an unreachable host leaves its job unknown, then collects it when it is back",
      ],
    },
  },
  {
    id: "D39",
    fault: "hostile host: a crowd of names, `../`, links, devices, a sparse terabyte, a bomb in the result",
    must: "sizes have limits, names are checked; nothing outside the job's folder; nobody hangs",
    shown: {
      [hostile]: [
        "one tick meets them all: the good machine works, each lie is refused by name or stays what it is",
        ...["noise", "endless", "claims", "errors", "names", "crowd", "million", "squeezed", "bomb", "title"],
      ],
      [spoiled]: [
        "every file, spoiled in every way",
        "its folder removed, or in its place a link to what is precious",
        "a supervisor that hangs long past the limit of its run is ended, and what there is counts",
      ],
      [collect]: ["what a run leaves in its folder stays there, and goes with the acknowledgement"],
    },
  },
  {
    id: "D40",
    fault: "hostile host answers for another job",
    must: "refused: job, epoch and nonce must be those of the claim",
    shown: {
      [hostile]: ["another", "inside", "epoch", "replay", "altered"],
      [frames]: ["refuse a description that was altered"],
    },
  },
  {
    id: "D41",
    fault: "a line of 10 kB/s",
    must: "each transfer has a deadline by its size; the others are not held up",
    shown: { "test/chaos/slow.test.ts": ["a task of "] },
  },
  {
    id: "D42",
    fault: "200 hosts, 50 of them dead",
    must: "the dead cost one wave of waiting together",
    shown: {
      "test/integration/many.test.ts": [
        "a tick that asks all of them does its work on one that lives, in one wave's time",
        "`fleet status` lists each of them, in one wave more than it takes for those that live",
      ],
    },
  },
];
