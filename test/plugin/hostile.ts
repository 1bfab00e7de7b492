// Plugins that do what they must not. Each costs its own changes and nothing else.
import { down, plugin } from "./write.ts";

interface Hostile {
  what: string;
  text: string;
  /** What is said of it. */
  why: RegExp;
  /** Ends at the limit of time only. */
  hangs?: true;
}

const fs = 'process.getBuiltinModule("fs")';
const hold = "await new Promise(() => {});";

export const hostile: Hostile[] = [
  {
    what: "throws",
    text: plugin('\nthrow new Error("the source is odd");'),
    why: /^plugins\/x\.ts:10: the source is odd$/,
  },
  {
    what: "throws when it is loaded",
    text: plugin(down, "", 'throw new Error("early");'),
    why: /^plugins\/x\.ts:3: early$/,
  },
  {
    what: "throws later, and never answers",
    text: plugin(`setTimeout(() => { throw new Error("late"); }); ${hold}`),
    why: /late/,
  },
  { what: "is no TypeScript", text: "export default class {", why: /./ },
  { what: "has no class", text: "export const x = 1;", why: /no `export default class/ },
  { what: "names no version", text: plugin(down).replace("static api = 1;", ""), why: /write `static api = 1;`/ },
  { what: "is made for another version", text: plugin(down).replace("api = 1", "api = 9"), why: /version 9 .* has 1$/ },
  { what: "loops", text: plugin("for (;;);"), why: /does not answer within/, hangs: true },
  { what: "waits for ever", text: plugin(hold), why: /does not answer within/, hangs: true },
  {
    what: "keeps buffers without end",
    text: plugin("const all = []; for (;;) all.push(Buffer.alloc(32 << 20, 1));"),
    why: /more memory than it may|allocate memory|allocation failed/i,
  },
  {
    what: "floods what it prints",
    text: plugin('for (;;) console.log("x".repeat(65536));'),
    why: /writes more than|more memory/,
  },
  {
    what: "floods its answer",
    text: plugin(`for (;;) try { ${fs}.writeSync(1, "x".repeat(65536)); } catch {}`),
    why: /writes more than/,
  },
  {
    what: "answers with broken JSON",
    text: plugin(`${fs}.writeSync(1, '{"value": [\\n'); ${hold}`),
    why: /is no JSON/,
  },
  { what: "answers what is no answer", text: plugin(`${fs}.writeSync(1, "7\\n"); ${hold}`), why: /is no answer/ },
  { what: "gives no list", text: plugin('return "everything is fine";'), why: /what it gives is amiss/ },
  {
    what: "gives a kind that it does not declare",
    text: plugin(down.replace('kind: "shop.down"', 'kind: "shop.gone"')),
    why: /`shop\.gone`, a kind that it does not declare/,
  },
  {
    what: "makes a kind of towline's own",
    text: plugin(down, 'kinds = { "job.asked": "a job asks" };'),
    why: /begins like towline's own kinds/,
  },
  {
    what: "gives more things than are taken",
    text: plugin(
      'return Array.from({ length: 501 }, (_, i) => ({ subject: "s" + i, kind: "shop.down", title: "t" }));',
    ),
    why: /gives 501 things/,
  },
  { what: "ends early", text: plugin("process.exit(0);"), why: /ended before it answered \(exit 0\)/ },
  { what: "aborts", text: plugin("process.abort();"), why: /memory|ended before/ },
  { what: "imports a package", text: plugin(down, "", 'import "zod";'), why: /imports `zod`/ },
  {
    what: "wants a secret that nobody allowed",
    text: plugin(down, 'secrets = ["TURSO_AUTH_TOKEN"];'),
    why: /write `secrets: \[TURSO_AUTH_TOKEN\]`/,
  },
  {
    what: "has a secret sent somewhere that nobody allowed",
    text: plugin(down, 'fetch() { return { a: { url: "https://127.0.0.1:9/", token: "TURSO_AUTH_TOKEN" } }; }'),
    why: /variable TURSO_AUTH_TOKEN, which its settings .* do not name/,
  },
  {
    what: "has a file read as an address",
    text: plugin(down, 'fetch() { return { a: { url: "file:///etc/passwd" } }; }'),
    why: /is no https address/,
  },
];

const no_access = /ERR_ACCESS_DENIED/;
const away = /may not reach the network/;

/** Tried one after the other by one plugin: what it tries, its code, and what it meets. */
export const denied: [what: string, code: string, met: RegExp][] = [
  ["a file that is not its own", `${fs}.readFileSync("/etc/passwd")`, no_access],
  ["the environment of the tick", `${fs}.readFileSync("/proc/" + process.ppid + "/environ")`, no_access],
  ["its own environment, from the kernel", `${fs}.readFileSync("/proc/self/environ")`, no_access],
  ["a file beside its folder", `${fs}.readFileSync(import.meta.dirname + "/../../etc/hostname")`, no_access],
  ["a folder", `${fs}.readdirSync("/")`, no_access],
  ["a file of the machine, as a module", `await import("/etc/hostname")`, /imports `\/etc\/hostname`/],
  ["a file of variables", `process.loadEnvFile("/etc/environment")`, no_access],
  ["writing outside", `${fs}.writeFileSync("/tmp/towline-plugin-was-here", "x")`, no_access],
  ["writing into its own folder", `${fs}.writeFileSync("x.ts", "x")`, no_access],
  ["a link to a file", `${fs}.symlinkSync("/etc/passwd", "passwd")`, no_access],
  ["a report in a file", "process.report.writeReport()", no_access],
  ["its memory in a file", `process.getBuiltinModule("v8").writeHeapSnapshot()`, no_access],
  ["a process", `process.getBuiltinModule("child_process").spawnSync("/bin/true")`, no_access],
  ["becoming another process", `process.execve("/bin/true", ["true"], {})`, no_access],
  ["a thread", `new (process.getBuiltinModule("worker_threads").Worker)("1", { eval: true })`, no_access],
  ["the inspector", `process.getBuiltinModule("inspector").open(0)`, no_access],
  ["machine code", `process.dlopen({ exports: {} }, "/lib/x.node")`, /ERR_DLOPEN_DISABLED/],
  ["node's inside", `process.binding("tcp_wrap")`, no_access],
  ["killing the tick", `process.kill(process.ppid, 0)`, /may not signal processes/],
  ["killing it from behind", "process._kill(process.ppid, 0)", /may not signal processes/],
  ["taking the latch off", "delete process.kill", /Cannot delete/],
  ["the tick's priority", `process.getBuiltinModule("os").setPriority(process.ppid, 19)`, /may not change processes/],
  ["fetching by itself", `await fetch("http://127.0.0.1:50009/").catch((e) => { throw e.cause ?? e; })`, away],
  [
    "connecting by itself",
    `await new Promise((ok, no) => process.getBuiltinModule("net").connect(9, "127.0.0.1", ok).on("error", no))`,
    away,
  ],
  ["listening", `process.getBuiltinModule("http").createServer().listen(0)`, away],
  ["a name server", `await process.getBuiltinModule("dns").promises.resolveTxt("example.org")`, away],
  ["a datagram", `process.getBuiltinModule("dgram").createSocket("udp4").send("x", 9, "127.0.0.1")`, away],
];

/** Each attempt becomes a thing whose title says what it met. */
export const prying = plugin(`
  const met = [];
  const attempt = async (what, code) => {
    try { await code(); met.push([what, "let through"]); }
    catch (e) { met.push([what, e.code + " " + e.message]); }
  };
  ${denied.map(([what, code]) => `await attempt(${JSON.stringify(what)}, async () => { ${code}; });`).join("\n  ")}
  return met.map(([subject, title]) => ({ subject, kind: "shop.down", title }));
`);
