// Brings a public key onto a machine: a line in ~/.ssh/authorized_keys of the user who is logged in.
import { type Connection, HostFault } from "../ports.ts";
import { readable } from "../remote/answers.ts";

// The line comes on stdin. sh, csh and fish hand this on alike: no quote, no `!`, no doubled backslash. One write adds
// the line: who adds another at that moment does not tear it, and a connection that breaks leaves it whole or not there.
const add = [
  "umask 077",
  "IFS= read -r line || exit 8",
  "set -- $line",
  "f=.ssh/authorized_keys",
  "mkdir -p .ssh || exit 7",
  'if grep -q "^[^#]*$2" $f 2>/dev/null; then echo there',
  'else if [ -s $f ] && [ -n "$(tail -c 1 $f)" ]; then echo >>$f; fi',
  'echo "$line" >>$f || exit 7',
  "echo added; fi",
  "uname -n",
].join("; ");

export interface Brought {
  /** False: the line stood there already. */
  added: boolean;
  /** What the machine calls itself. */
  hostname: string;
}

export async function authorize(name: string, connection: Connection, line: string): Promise<Brought> {
  const said = await run(name, connection, add, `${line}\n`);
  const [state, hostname = ""] = said.split("\n").slice(-3);
  if (state !== "there" && state !== "added")
    throw new HostFault("refused", `${name}: the key cannot be added to ~/.ssh/authorized_keys: ${readable(said)}`);
  return { added: state === "added", hostname };
}

export const hostnameOf = async (name: string, connection: Connection): Promise<string> =>
  (await run(name, connection, "uname -n", "")).split("\n").at(-2) ?? "";

/** Runs a script of ours by `sh`, whatever the login shell is; what it printed. Throws HostFault when it fails. */
async function run(name: string, connection: Connection, script: string, input: string): Promise<string> {
  const pipe = await connection.exec(`cd && exec sh -c '${script}'`);
  const timer = setTimeout(() => pipe.kill(), 15_000);
  try {
    pipe.stdin.write(input);
    pipe.stdin.end();
    let said = "";
    for await (const chunk of pipe.stdout) said = (said + Buffer.from(chunk).toString("utf8")).slice(-4096);
    const code = await pipe.closed;
    if (code === 0) return said;
    const why = code === null ? "the connection broke" : readable(pipe.stderr()) || `it ended with ${code}`;
    throw new HostFault(code === null ? "lost" : "refused", `${name}: ${why}`);
  } finally {
    clearTimeout(timer);
  }
}
