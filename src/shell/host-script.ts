// A script on a host, read by `sh` from its stdin: before there is a host program, or past it. Only an enrolment does that.
import { type Connection, HostFault } from "../ports.ts";
import { readable } from "../remote/answers.ts";
import { asUser } from "../remote/program.ts";

export interface ScriptSaid {
  code: number | null;
  out: string;
  err: string;
  /** The key that we came in with is behind the gate: nothing but conversations. */
  gated: boolean;
}

const longest = 60_000;
const most = 64 << 10;

/** `user`: the script is run as that user. Throws HostFault when the connection is lost. */
export async function runScript(connection: Connection, script: string, user?: string): Promise<ScriptSaid> {
  const pipe = await connection.exec(asUser(user, "exec sh"));
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    pipe.kill();
  }, longest);
  try {
    pipe.stdin.write(script);
    pipe.stdin.end();
    let out = "";
    for await (const chunk of pipe.stdout) if (out.length < most) out += Buffer.from(chunk).toString("latin1");
    const code = await pipe.closed;
    if (late) throw new HostFault("lost", `a script did not end within ${longest / 1000} s`);
    const err = readable(pipe.stderr());
    return { code, out, err, gated: err.includes("towline gate: ") };
  } finally {
    clearTimeout(timer);
  }
}
