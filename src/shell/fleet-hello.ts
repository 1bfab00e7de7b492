// The first word of a machine: one harmless job, by the way that all work goes. Nothing of it is recorded.
import { randomBytes } from "node:crypto";
import { agent, type Host, task } from "../core/schema.ts";
import { oneLine } from "../core/text.ts";
import { HostFault } from "../ports.ts";
import { shell } from "../runtimes/shell.ts";
import { createFleet, type FleetOptions } from "./fleet.ts";

export interface Hello {
  job: string;
  said: string;
  /** Seconds from the call to the answer. */
  took: number;
}

const script = `[ -r /etc/os-release ] && . /etc/os-release
echo "hello from $(uname -n): \${PRETTY_NAME:-$(uname -s)} on $(uname -m), as $(id -un)"
`;
/** Seconds for the job, and milliseconds that we wait for it. */
const deadline = 15;
const patience = 18_000;

/** Runs it on an enrolled machine and acknowledges it at once. Throws HostFault, also when the machine takes no work. */
export async function hello(name: string, host: Host, pack: string, options: FleetOptions): Promise<Hello> {
  const from = performance.now();
  const session = await createFleet(options).open(name, host, pack);
  const job = `adhoc-${randomBytes(6).toString("hex")}`;
  const epoch = 1;
  try {
    const work = { task: task.parse({ title: "hello" }), agent: agent.parse({ runtime: "shell" }), prompt: script };
    const launch = shell().launch({ job, epoch, ...work, character: "", notes: "", secrets: {} });
    const answer = await session.start({ job, epoch, day: "", deadline, keep: 4096, slots: host.slots, launch });
    if (answer.state !== "started") throw new HostFault("protocol", `${name}: ${refusals(answer)}`);
    if ((await session.wait([{ job, epoch }], patience)).length === 0) {
      await session.cancel(job, epoch);
      throw new HostFault("lost", `${name}: the job did not end within ${patience / 1000} s and was cancelled`);
    }
    const result = await session.fetch(job, epoch);
    await session.ack([result]);
    const { state, answer: text, why } = shell().outcome(result);
    if (state !== "finished") throw new HostFault("protocol", `${name}: the job came to nothing: ${why ?? state}`);
    return { job, said: oneLine(text, 300), took: Math.round(performance.now() - from) / 1000 };
  } finally {
    session.close();
  }
}

function refusals(answer: { state: string; why?: string }): string {
  if (answer.state === "full") return "all its slots are taken right now";
  return answer.why ? `it refused the job: ${answer.why}` : `it answered \`${answer.state}\` to the job`;
}
